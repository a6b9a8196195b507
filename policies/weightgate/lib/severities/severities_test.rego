package weightgate.lib.severities_test

import data.weightgate.lib.severities

test_the_stated_severity_counts if {
	every word in severities.known {
		severities.effective({"severity": word, "threat": "PAIT-PKL-100"}) == word
	}
}

test_what_nobody_knows_counts_as_the_highest if {
	every finding in [
		{"severity": "UNKNOWN"},
		{"severity": "HIHG"},
		{"severity": "HIHG", "threat": "PAIT-TF-300"},
		{"threat": "PAIT-TF-300"},
		{"severity": null},
		{"severity": ["LOW"]},
		{},
		null,
		"LOW",
		{"severity": "UNKNOWN", "threat": "PAIT-PKL-400", "rule": "License Exists"},
		{"severity": "UNKNOWN", "threat": "PAIT-TF-3000"},
		{"severity": "UNKNOWN", "threat": "pait-pkl-300"},
		{"severity": "UNKNOWN", "threat": "XPAIT-PKL-300"},
		{"severity": "UNKNOWN", "threat": ["PAIT-PKL-300"]},
		{"severity": "UNKNOWN", "threat": "SOMETHING", "rule": "License Exists", "enforcement": "ALLOWING"},
		{"severity": "UNKNOWN", "threat": null, "rule": "A Rule Of Tomorrow", "enforcement": "ALLOWING"},
		{"severity": "UNKNOWN", "threat": null, "rule": null, "enforcement": null},
	] {
		severities.effective(finding) == "CRITICAL"
	}
}

test_without_a_map_everything_unknown_counts_as_the_highest if {
	severities.effective({"severity": "UNKNOWN", "threat": "PAIT-TF-300"}) == "CRITICAL" with data.weightgate.severity_map as {}
	severities.effective({"severity": "UNKNOWN", "threat": "PAIT-TF-300"}) == "CRITICAL" with data.weightgate.severity_map as null
}

test_a_severity_that_the_map_misspells_counts_as_the_highest if {
	severities.effective({"severity": "UNKNOWN", "threat": "X"}) == "CRITICAL" with data.weightgate.severity_map as {"threats": {"X": {"severity": "LWO"}}}
}

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

test_an_environment_has_the_first_word if {
	overrides := {
		"threats": {"PAIT-TF-300": {"severity": "LOW"}},
		"series": {"2": {"severity": "HIGH"}},
		"rules": {"License Exists": {"ALLOWING": {"severity": "HIGH"}}},
	}
	expected := {
		{"threat": "PAIT-TF-300"}: "LOW",
		{"threat": "PAIT-TF-301"}: "HIGH",
		{"threat": "PAIT-ONNX-200"}: "HIGH",
		{"threat": null, "rule": "License Exists", "enforcement": "ALLOWING"}: "HIGH",
		{"threat": null, "rule": "License Exists", "enforcement": "BLOCKING"}: "MEDIUM",
		{"threat": "SOMETHING", "rule": "License Exists", "enforcement": "ALLOWING"}: "CRITICAL",
	}
	every finding, severity in expected {
		severities.effective(object.union(finding, {"severity": "UNKNOWN"})) == severity with data.weightgate.settings as {"severity_map": overrides}
	}
}

test_what_fail_on_does_not_list_is_tolerated if {
	severities.tolerated == {"LOW", "INFO"} with data.weightgate.settings as {"fail_on": ["CRITICAL", "HIGH", "MEDIUM"]}
	severities.tolerated == {"HIGH", "MEDIUM", "LOW", "INFO"} with data.weightgate.settings as {"fail_on": ["CRITICAL"]}
}

test_the_highest_is_never_tolerated if {
	severities.tolerated == {"HIGH", "MEDIUM", "LOW", "INFO"} with data.weightgate.settings as {"fail_on": []}
}

test_without_a_readable_fail_on_nothing_is_tolerated if {
	every settings in [{}, null, {"fail_on": null}, {"fail_on": "CRITICAL"}, {"fail_on": {"CRITICAL": true}}] {
		severities.tolerated == set() with data.weightgate.settings as settings
	}
}
