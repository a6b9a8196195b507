package weightgate.rules.freshness_test

import data.weightgate.lib.clock
import data.weightgate.lib.fixtures_test as fixtures
import data.weightgate.rules.freshness

_undecided(setting, scan) := result if {
	result := freshness.undecided with input as fixtures.changed(fixtures.document, {"scans": [scan]})
		with data.weightgate.settings.rules as {"scans.fresh": setting}
}

_ended(time) := _undecided({"max_hours": 24}, fixtures.changed(fixtures.scan, {"finished_at": time}))

_old(time) := {fixtures.violation("scans.fresh", sprintf("the scan by modelaudit ended at %v; at most 24 hours ago may pass", [time]))}

test_it_is_fresh_to_the_moment if {
	every time in ["2026-11-23T10:00:00Z", "2026-11-22T10:00:00Z", "2026-11-23T10:10:00Z", "2026-11-22T12:00:00+02:00"] {
		_ended(time) == set()
	}
	every time in ["2026-11-22T09:59:59Z", "2026-11-22T09:59:59.999999999Z", "2026-11-23T10:10:01Z", "2025-11-23T10:00:00Z"] {
		_ended(time) == _old(time)
	}
}

test_an_end_that_nobody_knows_is_missing_evidence if {
	_ended(null) == _old(null)
	_ended(7) == _old(7)
	_undecided({"max_hours": 24}, object.remove(fixtures.scan, ["finished_at"])) == _old(null)
	_ended("yesterday") == _old("yesterday")
}

# NOTE: a built-in that is given null ends the whole evaluation under weightgate, so it must not be asked.
test_an_end_that_is_no_text_is_not_parsed if {
	_ended(null) == _old(null) with data.weightgate.lib.clock.ns as clock.ns("2026-11-23T10:00:00Z")
}

test_off_it_says_nothing if {
	_undecided({"level": "off", "max_hours": 0}, fixtures.scan) == set()
	_undecided({"level": "off"}, fixtures.scan) == set()
}

test_what_it_is_told_must_be_readable if {
	every setting in [{}, {"max_hours": null}, {"max_hours": "24"}] {
		_undecided(setting, fixtures.scan) == {fixtures.violation("scans.fresh", "the setting max_hours must be a number of hours")}
	}
}
