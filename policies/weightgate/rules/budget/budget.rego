# METADATA
# title: Severity budget
# description: |
#   A model has at most as many findings of a severity as the environment says, whatever their number by themselves would
#   be worth. Findings count before exceptions.
# custom:
#   rule_id: severity.budget
#   optional: true
#   remediation: Repair the files with the most findings, or raise `at_most` by a pull request that says why.
package weightgate.rules.budget

import data.weightgate.lib.levels
import data.weightgate.lib.severities
import data.weightgate.rules.severity

# METADATA
# description: One violation for each severity that has too many findings.
# scope: document
deny contains _violation(word, sprintf("%d findings of severity %s; at most %d may pass", [found, word, most])) if {
	not levels.off("severity.budget")
	some word, most in _at_most
	found := severity.counts[word]
	found > most
}

deny contains _violation(null, "the setting at_most must say a number of findings for some severities") if {
	not levels.off("severity.budget")
	not _told
}

_at_most := data.weightgate.settings.rules["severity.budget"].at_most

_told if {
	count(_at_most) > 0
	every word, most in _at_most {
		word in severities.known
		is_number(most)
	}
}

_violation(word, msg) := {"rule": "severity.budget", "msg": msg, "finding": null, "severity": word, "path": null}
