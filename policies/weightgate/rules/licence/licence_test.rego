package weightgate.rules.licence_test

import data.weightgate.lib.fixtures_test as fixtures
import data.weightgate.rules.licence

_says(setting, findings, scans) := {"deny": deny, "undecided": undecided} if {
	document := {"findings": findings, "scans": scans}
	deny := licence.deny with input as document with data.weightgate.settings.rules as {"model.licence": setting}
	undecided := licence.undecided with input as document with data.weightgate.settings.rules as {"model.licence": setting}
}

_on := {"judged_by": ["prisma-airs"]}

_airs := fixtures.changed(fixtures.scan, {"scanner": "prisma-airs"})

_unknown := {fixtures.violation("model.licence", "no scanner that judges licences completed a scan, so the licence is not known")}

test_judged_and_nothing_found_may_pass if {
	_says(_on, [fixtures.finding], [_airs]) == {"deny": set(), "undecided": set()}
}

test_a_finding_about_the_licence_denies if {
	every changes in [{"rule": "License Is Valid For Use"}, {"rule": "licence"}, {"category": "license-exists"}] {
		_says(_on, [fixtures.changed(fixtures.finding, changes)], [_airs]) == {
			"deny": {{"rule": "model.licence", "msg": "os.system is called", "finding": "wgf-1", "severity": null, "path": "weights/model.pkl"}},
			"undecided": set(),
		}
	}
	_says(_on, [{"rule": "License Exists"}], [_airs]).deny == {{
		"rule": "model.licence",
		"msg": "a finding without title",
		"finding": "unidentified",
		"severity": null,
		"path": null,
	}}
}

test_without_a_scanner_that_judges_it_the_licence_is_not_known if {
	every scans in [[], [fixtures.scan], [fixtures.changed(_airs, {"status": "partial"})], [object.remove(_airs, ["scanner"])]] {
		_says(_on, [], scans) == {"deny": set(), "undecided": _unknown}
	}
	every setting in [{}, {"judged_by": []}, {"judged_by": null}] {
		_says(setting, [], [_airs]).undecided == _unknown
	}
}

test_off_it_says_nothing if {
	_says({"level": "off"}, [fixtures.changed(fixtures.finding, {"rule": "License Exists"})], []) == {"deny": set(), "undecided": set()}
}
