# METADATA
# title: Tolerated severity
# description: |
#   A finding may pass only when the environment tolerates its severity, or when an exception in force excuses it. A severity
#   that nobody knows counts as the highest.
# custom:
#   rule_id: severity.threshold
#   remediation: Replace or repair the file; if the finding is a false positive, ask for a dated exception.
package weightgate.rules.severity

import data.weightgate.lib.exceptions
import data.weightgate.lib.severities

# METADATA
# description: One violation for each finding that is neither tolerated nor excused.
# scope: document
deny contains violation if {
	some index, severity in _untolerated
	not excused[index]
	finding := input.findings[index]
	violation := {
		"rule": "severity.threshold",
		"msg": sprintf("%s: %v%s", [severity, object.get(finding, "title", "a finding without title"), object.get(_remarks, index, "")]),
		"finding": object.get(finding, "id", "unidentified"),
		"severity": severity,
		"path": object.get(finding, "path", null),
	}
}

# METADATA
# description: How many findings count as each severity, before exceptions.
counts := {severity: count([word | some word in effective; word == severity]) | some severity in severities.known}

# METADATA
# description: What each finding counts as, in the order of the input.
effective := [severities.effective(finding) | some finding in input.findings]

# METADATA
# description: The exceptions that excuse a finding which would be refused, by the finding's place in the input.
excused := {index: ids |
	some index, covering in exceptions.covering
	severity := _untolerated[index]
	ids := {id | some id in covering; exceptions.excuses(id, severity, input.findings[index])}
	ids != set()
}

# What each finding counts as that the environment does not tolerate, by its place in the input.
_untolerated := {index: severity |
	some index, severity in effective
	not severity in severities.tolerated
}

# Why exceptions that are about a finding do not excuse it.
_remarks := {index: sprintf("; %s", [concat("; ", remarks)]) |
	some index, covering in exceptions.covering
	severity := _untolerated[index]
	not excused[index]
	remarks := {exceptions.refusal(id, severity, input.findings[index]) | some id in covering}
}
