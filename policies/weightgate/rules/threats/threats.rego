# METADATA
# title: Forbidden threats
# description: |
#   No finding is about a kind of threat that the environment forbids, at whatever severity. The kinds are described in
#   policies/weightgate/threat_kinds/data.yaml.
# custom:
#   rule_id: threats.forbidden
#   optional: true
#   remediation: Replace the model; if the finding is a false positive, ask for a dated exception.
package weightgate.rules.threats

import data.weightgate.lib.exceptions
import data.weightgate.lib.levels
import data.weightgate.rules.severity

# METADATA
# description: One violation for each finding about a forbidden kind of threat that no exception excuses.
# scope: document
deny contains violation if {
	some index, kinds in _forbidden
	not excused[index]
	finding := input.findings[index]
	violation := {
		"rule": "threats.forbidden",
		"msg": sprintf("%s: %v", [concat(", ", kinds), object.get(finding, "title", "a finding without title")]),
		"finding": object.get(finding, "id", "unidentified"),
		"severity": severity.effective[index],
		"path": object.get(finding, "path", null),
	}
}

deny contains {"rule": "threats.forbidden", "msg": msg, "finding": null, "severity": null, "path": null} if {
	not levels.off("threats.forbidden")
	not _told
	msg := sprintf("the setting kinds must be a list of some of %s", [concat(", ", _all_kinds)])
}

# METADATA
# description: The exceptions that excuse a finding about a forbidden kind of threat, by the finding's place in the input.
excused := {index: ids |
	some index, covering in exceptions.covering
	_forbidden[index]
	ids := {id | some id in covering; exceptions.excuses(id, severity.effective[index], input.findings[index])}
	ids != set()
}

_kinds := data.weightgate.settings.rules["threats.forbidden"].kinds

default _all_kinds := set()

_all_kinds := object.keys(data.weightgate.threat_kinds)

_told if {
	is_array(_kinds)
	count(_kinds) > 0
	every kind in _kinds {
		kind in _all_kinds
	}
}

# The forbidden kinds of threat that a finding is about, by its place in the input.
_forbidden := {index: kinds |
	not levels.off("threats.forbidden")
	some index, finding in input.findings
	kinds := _about(
		object.get(finding, "category", null),
		object.get(finding, "rule", null),
		object.get(finding, "threat", null),
		object.get(finding, "title", null),
	)
	kinds != set()
}

# NOTE: of words, not of the finding, so that many findings of one sort are judged once.
_about(category, rule, threat, title) := {kind |
	some kind in _kinds
	_is(data.weightgate.threat_kinds[kind], category, threat, lower(sprintf("%v %v %v %v", [category, rule, threat, title])))
}

_is(kind, category, _, _) if category in kind.categories

_is(kind, _, threat, _) if {
	is_string(threat)
	some series in kind.series
	regex.match(sprintf(`^PAIT-[A-Z0-9]+-%s\d\d$`, [series]), threat)
}

_is(kind, _, _, words) if {
	some word in kind.words
	contains(words, word)
}
