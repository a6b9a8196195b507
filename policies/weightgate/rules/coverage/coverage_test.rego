package weightgate.rules.coverage_test

import data.weightgate.lib.fixtures_test as fixtures
import data.weightgate.rules.coverage

_violation(path, msg) := fixtures.changed(fixtures.violation("coverage.complete", msg), {"path": path})

_undecided(scans) := result if {
	result := coverage.undecided with input as fixtures.changed(fixtures.document, {"scans": scans})
		with data.weightgate.settings as fixtures.settings
}

_scan(changes) := fixtures.changed(fixtures.scan, changes)

_left := {"path": "weights/model.pkl", "reason": "too large"}

_unread := _violation("weights/model.pkl", "weights/model.pkl (pickle) was not scanned")

test_a_completed_scan_covers_every_file if _undecided([_scan({})]) == set()

test_without_a_scan_only_data_is_covered if _undecided([]) == {_unread}

test_a_scanner_that_is_not_accepted_covers_nothing if _undecided([_scan({"scanner": "mystery"})]) == {_unread}

test_a_failed_scan_covers_nothing if {
	_undecided([_scan({"status": "failed"})]) == {_unread, _violation(null, "the scan by modelaudit is partial: 0 files were not scanned, 0 errors")}
}

test_a_file_that_was_left_is_not_covered if {
	_undecided([_scan({"status": "partial", "unscanned": [_left]})]) == {
		_violation("weights/model.pkl", "weights/model.pkl (pickle) was not scanned: modelaudit: too large"),
		_violation(null, "the scan by modelaudit is partial: 1 files were not scanned, 0 errors"),
	}
}

test_a_second_scan_by_the_same_scanner_does_not_help if {
	count(_undecided([_scan({"status": "partial", "unscanned": [_left]}), _scan({})])) == 2
}

test_another_accepted_scanner_helps if {
	result := coverage.undecided with input as fixtures.changed(fixtures.document, {"scans": [
		_scan({"status": "partial", "unscanned": [_left]}),
		_scan({"scanner": "picklescan"}),
	]})
		with data.weightgate.settings as fixtures.changed(fixtures.settings, {"coverage": {
			"scanners": {"default": [], "pickle": ["modelaudit", "picklescan"]},
			"data_formats": ["json"],
		}})
	result == set()
}

test_plain_data_that_was_left_is_covered if {
	every status in ["partial", "completed"] {
		_undecided([_scan({"status": status, "unscanned": [{"path": "config.json", "reason": "no scanner for it"}]})]) == set()
	}
}

test_a_failed_scan_is_not_made_up_for if {
	failed := _scan({"status": "failed", "unscanned": [{"path": "config.json", "reason": "no scanner for it"}]})
	_undecided([failed]) == {_unread, _violation(null, "the scan by modelaudit is partial: 1 files were not scanned, 0 errors")}
}

test_a_file_that_the_model_does_not_have_is_covered_by_nothing if {
	_undecided([_scan({"status": "partial", "unscanned": [{"path": "gone.pkl", "reason": "not found"}]})]) == {_violation(null, "the scan by modelaudit is partial: 1 files were not scanned, 0 errors")}
}

test_errors_are_never_made_up_for if {
	errors := [{"code": "E", "message": "crashed", "path": "config.json"}]
	left := [{"path": "config.json", "reason": "crashed"}]
	every scan in [{"errors": errors}, {"status": "partial", "errors": errors, "unscanned": left}] {
		_violation(null, sprintf("the scan by modelaudit is partial: %d files were not scanned, 1 errors", [count(object.get(scan, "unscanned", []))])) in _undecided([_scan(scan)])
	}
}

test_a_partial_scan_that_names_no_file_refuses if {
	_undecided([_scan({"status": "partial"})]) == {_violation(null, "the scan by modelaudit is partial: 0 files were not scanned, 0 errors")}
}

test_a_completed_scan_that_left_a_file_is_partial if {
	count(_undecided([_scan({"unscanned": [_left]})])) == 2
}

test_fields_that_are_missing_are_no_proof if {
	_undecided([{"status": "completed"}]) == {_unread, _violation(null, "the scan by an unnamed scanner is partial: 0 files were not scanned, 0 errors")}
	_undecided([object.remove(fixtures.scan, ["status"])]) == {_unread, _violation(null, "the scan by modelaudit is partial: 0 files were not scanned, 0 errors")}
	_undecided([object.remove(fixtures.scan, ["errors"])]) == {_violation(null, "the scan by modelaudit is partial: 0 files were not scanned, 0 errors")}
}

_of_files(files) := result if {
	document := fixtures.changed(fixtures.document, {"model": fixtures.changed(fixtures.document.model, {"files": files})})
	result := coverage.undecided with input as document with data.weightgate.settings as fixtures.settings
}

test_a_file_without_path_or_format_is_not_covered if {
	_of_files([{"format": "pickle"}]) == {_violation("a file without path", "a file without path (pickle) was not scanned")}
	_of_files([{"path": "a", "sha256": "x"}]) == {_violation("a", "a (unknown) was not scanned")}
}

test_data_that_was_never_here_is_not_covered_by_its_format if {
	result := coverage.undecided with input as {"model": {"files": [{"path": "a.json", "format": "json", "sha256": null}]}, "scans": []}
		with data.weightgate.settings as fixtures.settings
	result == {_violation("a.json", "a.json (json) was not scanned")}
}

test_without_settings_nothing_is_covered if {
	result := coverage.undecided with input as fixtures.document with data.weightgate.settings as {}
	{violation.path | some violation in result} == {"weights/model.pkl", "config.json"}
}
