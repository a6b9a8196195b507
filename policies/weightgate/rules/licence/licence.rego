# METADATA
# title: Licence
# description: |
#   A scanner that the environment trusts with it (`judged_by`) completed a scan and has no finding about the licence. A
#   findings document holds no licence of its own: without such a scan the rule cannot be decided.
# custom:
#   rule_id: model.licence
#   optional: true
#   remediation: Scan with a scanner that judges licences (Prisma AIRS with its licence rules on), or clear the licence by hand.
package weightgate.rules.licence

import data.weightgate.lib.levels

# METADATA
# description: One violation for each finding about the licence.
# scope: document
deny contains violation if {
	not levels.off("model.licence")
	some finding in input.findings
	_about_licence(object.get(finding, "rule", null), object.get(finding, "category", null))
	violation := {
		"rule": "model.licence",
		"msg": sprintf("%v", [object.get(finding, "title", "a finding without title")]),
		"finding": object.get(finding, "id", "unidentified"),
		"severity": null,
		"path": object.get(finding, "path", null),
	}
}

# METADATA
# description: One violation when no scanner that judges licences completed a scan.
# scope: document
undecided contains _violation("no scanner that judges licences completed a scan, so the licence is not known") if {
	not levels.off("model.licence")
	not _judged
}

_judged if {
	some scan in input.scans
	scan.status == "completed"
	scan.scanner in data.weightgate.settings.rules["model.licence"].judged_by
}

_about_licence(rule, category) if regex.match(`(?i)licen[cs]e`, sprintf("%v %v", [rule, category]))

_violation(msg) := {"rule": "model.licence", "msg": msg, "finding": null, "severity": null, "path": null}
