package weightgate.rules.corroboration_test

import data.weightgate.lib.fixtures_test as fixtures
import data.weightgate.rules.corroboration

_undecided(setting, scans) := result if {
	result := corroboration.undecided with input.scans as scans with data.weightgate.settings.rules as {"scanners.corroborated": setting}
}

_two(changes) := _undecided({"at_least": 2}, [fixtures.scan, fixtures.changed(fixtures.scan, object.union({"scanner": "picklescan"}, changes))])

_one := {fixtures.violation("scanners.corroborated", "1 scanners ran to their end (modelaudit); at least 2 must")}

test_enough_scanners_may_pass if {
	_two({}) == set()
	_two({"files_scanned": null}) == set()
	_two({"files_scanned": 1}) == set()
	_undecided({"at_least": 1}, [fixtures.scan]) == set()
}

test_the_same_scanner_twice_is_one if _two({"scanner": "modelaudit"}) == _one

test_only_a_scan_that_ran_to_its_end_counts if {
	every changes in [{"status": "partial"}, {"status": "failed"}, {"files_scanned": 0}, {"scanner": null}] {
		_two(changes) == _one
	}
}

test_without_scans if {
	_undecided({"at_least": 1}, []) == {fixtures.violation("scanners.corroborated", "0 scanners ran to their end (); at least 1 must")}
}

test_off_it_says_nothing if {
	_undecided({"level": "off", "at_least": 2}, []) == set()
	_undecided({"level": "off"}, []) == set()
}

test_what_it_is_told_must_be_readable if {
	every setting in [{}, {"at_least": null}, {"at_least": "2"}, {"at_least": 0}] {
		_undecided(setting, [fixtures.scan]) == {fixtures.violation("scanners.corroborated", "the setting at_least must be a number of scanners")}
	}
}
