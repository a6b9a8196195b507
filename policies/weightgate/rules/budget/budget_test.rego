package weightgate.rules.budget_test

import data.weightgate.lib.fixtures_test as fixtures
import data.weightgate.rules.budget

_deny(setting) := result if {
	findings := [fixtures.changed(fixtures.finding, {"id": sprintf("%d", [number]), "severity": "MEDIUM"}) | some number in [1, 2, 3]]
	result := budget.deny with input as fixtures.changed(fixtures.document, {"findings": findings})
		with data.weightgate.settings.rules as {"severity.budget": setting}
}

_unreadable := {fixtures.violation("severity.budget", "the setting at_most must say a number of findings for some severities")}

test_as_many_as_may_be_pass if {
	_deny({"at_most": {"MEDIUM": 3, "LOW": 0}}) == set()
	_deny({"at_most": {"MEDIUM": 3}}) == set()
}

test_more_are_denied if {
	_deny({"at_most": {"MEDIUM": 2, "LOW": 0}}) == {object.union(
		fixtures.violation("severity.budget", "3 findings of severity MEDIUM; at most 2 may pass"),
		{"severity": "MEDIUM"},
	)}
}

test_off_it_says_nothing if {
	_deny({"level": "off", "at_most": {"MEDIUM": 0}}) == set()
	_deny({"level": "off"}) == set()
}

test_what_it_is_told_must_be_readable if {
	every setting in [{}, {"at_most": {}}, {"at_most": null}, {"at_most": 3}, {"at_most": [3]}, {"at_most": "MEDIUM"}, {"at_most": {"MEDIUMM": 3}}, {"at_most": {"LOW": "3"}}] {
		_deny(setting) == _unreadable
	}
	budget.deny == _unreadable with input as fixtures.document with data.weightgate.settings as {}
}
