package weightgate.rules.severity_test

import data.weightgate.lib.fixtures_test as fixtures
import data.weightgate.rules.severity

# The finding with another id and severity.
_finding(id, word) := fixtures.changed(fixtures.finding, {"id": id, "severity": word})

_violation(id, word) := {
	"rule": "severity.threshold",
	"msg": sprintf("%s: os.system is called", [word]),
	"finding": id,
	"severity": word,
	"path": "weights/model.pkl",
}

_says(findings, exceptions) := {"deny": deny, "counts": counts, "excused": excused} if {
	document := fixtures.changed(fixtures.document, {"findings": findings})
	deny := severity.deny with input as document
		with data.weightgate.settings as fixtures.settings
		with data.weightgate.exceptions as exceptions
	counts := severity.counts with input as document with data.weightgate.settings as fixtures.settings
	excused := severity.excused with input as document
		with data.weightgate.settings as fixtures.settings
		with data.weightgate.exceptions as exceptions
}

_none := {"CRITICAL": 0, "HIGH": 0, "MEDIUM": 0, "LOW": 0, "INFO": 0}

test_without_findings_nothing_is_denied if {
	_says([], {}) == {"deny": set(), "counts": _none, "excused": {}}
}

test_each_finding_that_is_not_tolerated_denies if {
	findings := [_finding(word, word) | some word in ["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO"]]
	_says(findings, {}) == {
		"deny": {_violation(word, word) | some word in ["CRITICAL", "HIGH", "MEDIUM"]},
		"counts": {"CRITICAL": 1, "HIGH": 1, "MEDIUM": 1, "LOW": 1, "INFO": 1},
		"excused": {},
	}
}

test_an_unknown_severity_denies_as_the_highest if {
	unknown := _finding("u", "UNKNOWN")
	_says([unknown, _finding("n", null)], {}).deny == {_violation("u", "CRITICAL"), _violation("n", "CRITICAL")}
}

test_an_excused_finding_does_not_deny_and_counts if {
	_says([fixtures.finding], {"EXC-1": fixtures.exception}) == {
		"deny": set(),
		"counts": object.union(_none, {"HIGH": 1}),
		"excused": {0: {"EXC-1"}},
	}
}

test_a_tolerated_finding_needs_no_excuse if {
	_says([_finding("wgf-1", "LOW")], {"EXC-1": fixtures.exception}).excused == {}
}

test_an_exception_that_does_not_help_is_named if {
	expired := fixtures.changed(fixtures.exception, {"expires": "2026-11-23T10:00:00Z"})
	too_long := fixtures.changed(fixtures.exception, {"created": "2026-10-01", "expires": "2026-11-29"})
	result := _says([_finding("wgf-1", "CRITICAL")], {"EXC-1": expired, "EXC-2": too_long})
	result.deny == {object.union(_violation("wgf-1", "CRITICAL"), {"msg": concat("; ", [
		"CRITICAL: os.system is called",
		"exception EXC-1 expired at 2026-11-23T10:00:00Z",
		"exception EXC-2 lasts longer than the 30 days for which CRITICAL may be excused here",
	])})}
	result.excused == {}
}

test_a_finding_without_fields_denies if {
	_says([{}], {}).deny == {{
		"rule": "severity.threshold",
		"msg": "CRITICAL: a finding without title",
		"finding": "unidentified",
		"severity": "CRITICAL",
		"path": null,
	}}
}

test_without_settings_every_finding_denies if {
	every settings in [{}, null, {"fail_on": "CRITICAL"}] {
		result := severity.deny with input as fixtures.changed(fixtures.document, {"findings": [_finding("i", "INFO")]})
			with data.weightgate.settings as settings
			with data.weightgate.exceptions as {}
		result == {_violation("i", "INFO")}
	}
}
