package weightgate.rules.scanners_test

import data.weightgate.lib.fixtures_test as fixtures
import data.weightgate.rules.scanners

_undecided(required, scans) := result if {
	result := scanners.undecided with input.scans as scans with data.weightgate.settings.scanners.required as required
}

_missing(scanner) := fixtures.violation("scanners.required", sprintf("this environment requires a scan by %s, and there is none that ran to its end", [scanner]))

test_nothing_is_missing_when_nothing_is_required if _undecided([], []) == set()

test_what_is_required_and_there_may_pass if {
	_undecided(["modelaudit"], [fixtures.scan]) == set()
	_undecided(["modelaudit"], [fixtures.changed(fixtures.scan, {"status": "partial"})]) == set()
}

test_each_scanner_that_is_required_is_asked_for if {
	_undecided(["modelaudit", "modelscan", "picklescan"], [fixtures.scan]) == {_missing("modelscan"), _missing("picklescan")}
}

test_a_scan_that_failed_is_none if {
	_undecided(["modelaudit"], [fixtures.changed(fixtures.scan, {"status": "failed"})]) == {_missing("modelaudit")}
	_undecided(["modelaudit"], [{"scanner": "modelaudit"}]) == {_missing("modelaudit")}
	_undecided(["modelaudit"], [{"status": "completed"}]) == {_missing("modelaudit")}
}
