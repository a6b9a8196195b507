package environments.staging_test

import data.environments.staging
import data.weightgate.lib.fixtures_test as fixtures

_decide(changes) := decision if {
	decision := staging.decision with input as fixtures.changed(fixtures.document, changes) with data.staging.exceptions as {}
}

_of(severity) := _decide({"findings": [fixtures.changed(fixtures.finding, {"severity": severity})]})

_partial := fixtures.changed(fixtures.scan, {
	"status": "partial",
	"unscanned": [{"path": "weights/model.pkl", "reason": "too large"}],
})

_remote(revision) := fixtures.changed(fixtures.document.model, {"source": "huggingface", "revision": revision})

test_a_harmless_model_may_pass if {
	decision := _decide({})
	decision.environment == "staging"
	decision.verdict == "allow"
	decision.warnings == []
	staging.deny == set() with input as fixtures.document with data.staging.exceptions as {}
	staging.warn == set() with input as fixtures.document with data.staging.exceptions as {}
}

test_a_pinned_remote_model_may_pass if {
	_decide({"model": _remote("0123456789abcdef0123456789abcdef01234567")}).verdict == "allow"
}

test_the_severities_that_refuse if {
	every severity in ["CRITICAL", "HIGH", "UNKNOWN"] {
		_of(severity).verdict == "deny"
	}
	every severity in ["MEDIUM", "LOW", "INFO"] {
		_of(severity).verdict == "allow"
	}
}

test_an_unsafe_outcome_denies if {
	_decide({"scans": [fixtures.changed(fixtures.scan, {"outcome": "BLOCKED"})]}).verdict == "deny"
}

test_without_a_scan_there_is_no_evidence if _decide({"scans": []}).verdict == "indeterminate"

test_a_file_that_nobody_scanned_is_missing_evidence if {
	decision := _decide({"scans": [_partial]})
	decision.verdict == "indeterminate"
	{violation.rule | some violation in decision.violations} == {"coverage.complete"}
}

test_a_moving_revision_and_a_missing_digest_warn if {
	every model in [_remote("main"), fixtures.changed(fixtures.document.model, {"digest": null})] {
		decision := _decide({"model": model})
		decision.verdict == "allow"
		count(decision.warnings) == 1
	}
}

test_conftest_sees_refusals_and_warnings if {
	document := fixtures.changed(fixtures.document, {"findings": [fixtures.changed(fixtures.finding, {"severity": "CRITICAL"})]})
	{violation.rule | some violation in staging.deny} == {"severity.threshold"} with input as document with data.staging.exceptions as {}
	ending := {"EXC-1": fixtures.changed(fixtures.exception, {"expires": "2026-11-25"})}
	{warning.rule | some warning in staging.warn} == {"exceptions.expiring"} with input as document with data.staging.exceptions as ending
}

test_without_settings_there_is_no_answer_that_allows if {
	count(staging.deny) > 0 with input as fixtures.document with data.staging as {}
	staging.deny == {{"rule": "decision.missing", "msg": "the policy gave no decision about this input"}} with input as {"context": {"evaluated_at": "soon"}}
}

test_its_exceptions_are_the_ones_that_count if {
	document := fixtures.changed(fixtures.document, {"findings": [fixtures.changed(fixtures.finding, {"severity": "CRITICAL"})]})
	staging.decision.verdict == "allow" with input as document with data.staging.exceptions as {"EXC-1": fixtures.exception}
}

test_its_grants_are_the_ones_that_count if {
	document := fixtures.changed(fixtures.document, {"findings": [fixtures.changed(fixtures.finding, {"severity": "CRITICAL"})]})
	granted := staging.decision with input as document with data.staging.exceptions as {} with data.staging.break_glass as {"BG-1": fixtures.grant}
	granted.verdict == "allow"
	{warning.rule | some warning in granted.warnings} == {"break_glass.used"}
}
