package weightgate.severity_map_test

import data.weightgate.lib.severities

# Every code that the service's specification names, by what it counts as.
_codes := {
	"CRITICAL": {
		"PAIT-ARV-100", "PAIT-GGUF-100", "PAIT-GGUF-101", "PAIT-KERAS-100", "PAIT-KERAS-101", "PAIT-KERAS-102",
		"PAIT-JOBLIB-100", "PAIT-JOBLIB-101", "PAIT-PKL-100", "PAIT-PKL-101", "PAIT-PYTCH-100", "PAIT-PYTCH-101",
		"PAIT-EXDIR-100", "PAIT-EXDIR-101", "PAIT-ONNX-200", "PAIT-TF-200",
	},
	"HIGH": {
		"PAIT-KERAS-300", "PAIT-KERAS-301", "PAIT-TF-300", "PAIT-TF-301", "PAIT-TF-302", "PAIT-LMAFL-300",
		"PAIT-LITERT-300", "PAIT-LITERT-301", "PAIT-LITERT-302", "PAIT-TCHST-300", "PAIT-TCHST-301", "PAIT-TMT-300",
		"PAIT-TMT-301",
	},
	"MEDIUM": {"UNAPPROVED_FORMATS"},
}

test_every_threat_code_of_the_service_is_known if {
	every severity, codes in _codes {
		every code in codes {
			severities.effective({"severity": "UNKNOWN", "threat": code, "rule": "any"}) == severity
		}
	}
}

# Every rule that the service manages: what it counts as when it is BLOCKING, and when it is ALLOWING.
_rules := {
	"Load Time Code Execution Check": ["CRITICAL", "CRITICAL"],
	"Model Architecture Backdoor Check": ["CRITICAL", "CRITICAL"],
	"Runtime Code Execution Check": ["HIGH", "HIGH"],
	"Known Framework Operators Check": ["HIGH", "MEDIUM"],
	"Suspicious Model Components Check": ["HIGH", "MEDIUM"],
	"Stored In Approved File Format": ["MEDIUM", "LOW"],
	"Stored In Approved Location": ["HIGH", "MEDIUM"],
	"License Exists": ["MEDIUM", "LOW"],
	"License Is Valid For Use": ["MEDIUM", "LOW"],
	"Organization Verified By Hugging Face": ["MEDIUM", "LOW"],
	"Organization Is Blocked": ["CRITICAL", "HIGH"],
	"Model Is Blocked": ["CRITICAL", "HIGH"],
}

_derived(rule, state) := severities.effective({"severity": "UNKNOWN", "threat": null, "rule": rule, "enforcement": state})

test_every_managed_rule_is_known_in_both_states if {
	every rule, expected in _rules {
		[_derived(rule, "BLOCKING"), _derived(rule, "ALLOWING")] == expected
	}
	object.keys(_rules) == object.keys(data.weightgate.severity_map.rules)
}

test_without_a_state_a_rule_counts_as_blocking if {
	_derived("License Exists", null) == "MEDIUM"
	_derived("License Exists", "DISABLED") == "MEDIUM"
	severities.effective({"severity": "UNKNOWN", "rule": "License Exists"}) == "MEDIUM"
}

test_every_entry_of_the_map_has_a_reason if {
	entries := [entry | walk(data.weightgate.severity_map, [_, entry]); entry.severity]
	count(entries) == 28
	every entry in entries {
		entry.severity in severities.known
		entry.reason != ""
	}
}
