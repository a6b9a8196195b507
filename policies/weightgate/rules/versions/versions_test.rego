package weightgate.rules.versions_test

import data.weightgate.lib.fixtures_test as fixtures
import data.weightgate.rules.versions

_undecided(setting, version) := result if {
	result := versions.undecided with input.scans as [fixtures.changed(fixtures.scan, {"version": version})]
		with data.weightgate.settings.rules as {"scanners.minimum_version": setting}
		with data.weightgate.settings.coverage.scanners as {"default": ["modelaudit"], "pickle": ["modelscan"]}
}

_of(version) := _undecided({"minimum": {"modelaudit": "0.2.54", "modelscan": "9"}}, version)

test_versions_are_compared_by_their_numbers if {
	every version in ["0.2.54", "0.2.54.0", "0.2.100", "0.10", "1"] {
		_of(version) == set()
	}
	every version in ["0.2.53", "0.2.6", "0.2", "0", "0.2.53.99"] {
		_of(version) == {fixtures.violation("scanners.minimum_version", sprintf("modelaudit ran in version %s; expected 0.2.54 or newer", [version]))}
	}
	_undecided({"minimum": {"modelaudit": "1.0.0"}}, "1") == set()
	_undecided({"minimum": {"modelaudit": "1"}}, "1.0.0.0.0.0") == set()
	count(_undecided({"minimum": {"modelaudit": "1.0.0.0.0.2"}}, "1.0.0.0.0.1")) == 1
}

test_numbers_may_begin_with_zeros if {
	every version in ["2026.05.01", "2026.5.1", "2026.10.0", "2026.05.010"] {
		_undecided({"minimum": {"modelaudit": "2026.05.01"}}, version) == set()
	}
	every version in ["2026.05.00", "2026.04.30", "0.05.9", "00.2"] {
		count(_undecided({"minimum": {"modelaudit": "2026.05.01"}}, version)) == 1
	}
	count(_undecided({"minimum": {"modelaudit": "0.8"}}, "0.05.9")) == 1
}

test_a_version_that_nobody_knows_is_missing_evidence if {
	every version in [null, "", "latest", "v1.0", "1.0rc1", 1, "1.0 "] {
		_of(version) == {fixtures.violation("scanners.minimum_version", sprintf("modelaudit ran in version %v; expected 0.2.54 or newer", [version]))}
	}
}

# NOTE: a built-in that is given null ends the whole evaluation under weightgate, so it must not be asked.
test_a_version_that_is_no_text_is_not_split if {
	count(_of(null)) == 1 with regex.match as true with split as ["9"]
}

test_a_scanner_that_is_not_named_may_be_of_any_version if {
	_undecided({"minimum": {"modelscan": "9"}}, null) == set()
}

test_off_it_says_nothing if {
	_undecided({"level": "off", "minimum": {"modelaudit": "9"}}, "1") == set()
	_undecided({"level": "off"}, "1") == set()
}

test_what_it_is_told_must_be_readable if {
	every setting in [{}, {"minimum": {}}, {"minimum": null}, {"minimum": "1"}, {"minimum": ["1"]}, {"minimum": {"modelscan": "one"}}, {"minimum": {"modelscan": 1}}, {"minimum": {"modelaudti": "1"}}] {
		_undecided(setting, "1") == {fixtures.violation("scanners.minimum_version", "the setting minimum must give scanners of coverage.scanners versions such as \"1.2.3\"")}
	}
}
