package weightgate.rules.formats_test

import data.weightgate.lib.fixtures_test as fixtures
import data.weightgate.rules.formats

_says(setting, document) := {"deny": deny, "undecided": undecided} if {
	deny := formats.deny with input as document with data.weightgate.settings.rules as {"model.formats": setting}
	undecided := formats.undecided with input as document with data.weightgate.settings.rules as {"model.formats": setting}
}

_violation(path, msg) := object.union(fixtures.violation("model.formats", msg), {"path": path})

test_allowed_formats_may_pass if {
	_says({"allowed": ["json", "pickle"]}, fixtures.document) == {"deny": set(), "undecided": set()}
}

test_other_formats_are_denied if {
	_says({"allowed": ["json"]}, fixtures.document).deny == {_violation("weights/model.pkl", "weights/model.pkl is of format pickle; expected one of json")}
	_says({"allowed": ["json"]}, {"model": {"files": [{}]}}).deny == {_violation("a file without path", "a file without path is of format unknown; expected one of json")}
	count(_says({"allowed": []}, fixtures.document).deny) == 2
}

test_files_that_nobody_listed_are_missing_evidence if {
	every document in [{}, {"model": {"files": []}}] {
		_says({"allowed": ["json"]}, document) == {
			"deny": set(),
			"undecided": {_violation(null, "the document lists no file of the model, so their formats are not known")},
		}
	}
}

test_off_it_says_nothing if {
	every document in [fixtures.document, {}] {
		_says({"level": "off"}, document) == {"deny": set(), "undecided": set()}
		_says({"level": "off", "allowed": []}, document) == {"deny": set(), "undecided": set()}
	}
}

test_what_it_is_told_must_be_readable if {
	every setting in [{}, {"allowed": null}, {"allowed": "json"}, {"allowed": [1]}, {"allowed": {"a": "json"}}] {
		_says(setting, fixtures.document).deny == {_violation(null, "the setting allowed must be a list of formats")}
	}
}
