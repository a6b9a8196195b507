package weightgate.rules.outcome_test

import data.weightgate.lib.fixtures_test as fixtures
import data.weightgate.rules.outcome

_violation(msg) := fixtures.violation("outcome.safe", msg)

# What the rule says of one scan: [deny, undecided].
_says(changes) := [deny, undecided] if {
	scans := [fixtures.changed(fixtures.scan, changes)]
	deny := outcome.deny with input.scans as scans
	undecided := outcome.undecided with input.scans as scans
}

test_safe_words_may_pass if {
	every word in ["PASS", "CLEAN", "SUCCESS", "ALLOWED"] {
		_says({"outcome": word}) == [set(), set()]
	}
	_says({"status": "partial"}) == [set(), set()]
	_says({"files_scanned": null}) == [set(), set()]
}

test_every_other_word_denies if {
	every word in ["BLOCKED", "WARNING", "FAILURE", "MALICIOUS", "allowed", "CLEAN ", "", "TOMORROW", 0, false] {
		_says({"outcome": word}) == [{_violation(sprintf("modelaudit says %v; only ALLOWED, CLEAN, PASS, SUCCESS may pass", [word]))}, set()]
	}
}

test_no_verdict_is_missing_evidence if {
	every word in ["ERROR", "PENDING", null] {
		_says({"outcome": word}) == [set(), {_violation(sprintf("the scan by modelaudit ended without a verdict (%v)", [word]))}]
	}
	_says({"status": "partial", "outcome": "PENDING"}) == [set(), {_violation("the scan by modelaudit ended without a verdict (PENDING)")}]
	outcome.undecided == {_violation("the scan by modelaudit ended without a verdict (null)")} with input.scans as [object.remove(fixtures.scan, ["outcome"])]
}

test_a_failed_scan_is_missing_evidence if {
	_says({"status": "failed", "outcome": null}) == [set(), {_violation("the scan by modelaudit is failed")}]
	_says({"status": "failed", "errors": [{"message": "crashed"}]}) == [set(), {_violation("the scan by modelaudit is failed: crashed")}]
	_says({"status": "failed", "errors": [{"message": "out of memory"}, {}]}) == [
		set(),
		{_violation("the scan by modelaudit is failed: out of memory; an error without message")},
	]
}

test_a_failed_scan_that_says_blocked_denies if {
	_says({"status": "failed", "outcome": "BLOCKED"}) == [
		{_violation("modelaudit says BLOCKED; only ALLOWED, CLEAN, PASS, SUCCESS may pass")},
		{_violation("the scan by modelaudit is failed")},
	]
}

test_an_unknown_status_is_missing_evidence if {
	_says({"status": "done"}) == [set(), {_violation("the scan by modelaudit is done")}]
	outcome.undecided == {_violation("the scan by an unnamed scanner is without status")} with input.scans as [{"outcome": "CLEAN"}]
}

test_a_scan_of_nothing_is_missing_evidence if {
	_says({"files_scanned": 0}) == [set(), {
		_violation("no scanner looked at this model"),
		_violation("modelaudit calls a scan of no file completed"),
	}]
	_says({"files_scanned": 0, "status": "partial"}) == [set(), {_violation("no scanner looked at this model")}]
	_says({"files_scanned": 0, "status": "failed"}) == [set(), {
		_violation("no scanner looked at this model"),
		_violation("the scan by modelaudit is failed"),
	}]
}

test_a_scanner_that_had_nothing_to_read_says_nothing_beside_another if {
	idle := fixtures.changed(fixtures.scan, {"scanner": "fickling", "files_scanned": 0, "status": "partial"})
	outcome.undecided == set() with input.scans as [fixtures.scan, idle]
	outcome.deny == set() with input.scans as [fixtures.scan, idle]
}

test_no_scan_is_missing_evidence if {
	every document in [{"scans": []}, {}, {"scans": {}}] {
		outcome.undecided == {_violation("no scanner looked at this model")} with input as document
	}
}

test_one_bad_scan_of_two_refuses if {
	scans := [fixtures.scan, fixtures.changed(fixtures.scan, {"scanner": "prisma-airs", "outcome": "BLOCKED"})]
	outcome.deny == {_violation("prisma-airs says BLOCKED; only ALLOWED, CLEAN, PASS, SUCCESS may pass")} with input.scans as scans
}
