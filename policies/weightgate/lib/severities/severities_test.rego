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
