package environments.staging_test

import data.environments.staging
import data.weightgate.lib.clock
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

test_how_long_a_grant_may_last if {
	document := fixtures.changed(fixtures.document, {"findings": [fixtures.changed(fixtures.finding, {"severity": "CRITICAL"})]})
	every hours, verdict in {24: "allow", 25: "deny"} {
		expires := time.format(clock.ns(fixtures.grant.created) + clock.hours(hours))
		grant := fixtures.changed(fixtures.grant, {"expires": expires})
		decision := staging.decision with input as document with data.staging.exceptions as {} with data.staging.break_glass as {"BG-1": grant}
		decision.verdict == verdict
	}
}

# The rules that have something to say.
_said(changes) := {said.rule | some said in array.concat(decision.violations, decision.warnings)} if decision := _decide(changes)

test_the_scanners_that_vouch_for_a_file if {
	every scanner in ["fickling", "modelaudit", "modelscan", "picklescan", "prisma-airs", "sarif"] {
		_said({"scans": [fixtures.changed(fixtures.scan, {"scanner": scanner})]}) == set()
	}
	_said({"scans": [fixtures.changed(fixtures.scan, {"scanner": "mystery"})]}) == {"coverage.complete"}
}

test_the_formats_that_nobody_has_to_scan if {
	unread := fixtures.changed(fixtures.scan, {"status": "partial", "unscanned": [{"path": "a", "reason": "no scanner for it"}]})
	formats := {"empty", "image", "json", "json-code", "json-template", "pickle", "python", "safetensors", "text", "unknown"}
	{format |
		some format in formats
		file := {"path": "a", "size": 2, "sha256": fixtures.sha256, "format": format}
		_said({"scans": [unread], "model": fixtures.changed(fixtures.document.model, {"files": [file]})}) == set()
	} == {"image", "json", "safetensors", "text"}
}

test_the_digests_of_files_are_not_asked_for if {
	files := [fixtures.changed(file, {"sha256": null}) | some file in fixtures.document.model.files]
	_said({"model": fixtures.changed(fixtures.document.model, {"files": files})}) == set()
}

# What is decided of a finding about a kind of threat that is forbidden at every severity, with an exception for so many days.
_with_exception(severity, days) := decision.verdict if {
	expires := time.format(clock.ns(fixtures.exception.created) + clock.days(days))
	rules := object.union(data.staging.settings.rules, {"threats.forbidden": {"level": "deny", "kinds": ["trojan"]}})
	finding := fixtures.changed(fixtures.finding, {"severity": severity, "category": "trojan"})
	decision := staging.decision with input as fixtures.changed(fixtures.document, {"findings": [finding]})
		with data.staging.exceptions as {"EXC-1": fixtures.changed(fixtures.exception, {"expires": expires})}
		with data.staging.settings.rules as rules
}

test_how_long_an_exception_may_last if {
	every severity, days in {"CRITICAL": 90, "HIGH": 90, "MEDIUM": 90, "LOW": 180, "INFO": 180} {
		_with_exception(severity, days) == "allow"
		_with_exception(severity, days + 1) == "deny"
	}
}

test_an_exception_that_ends_within_two_weeks_is_announced if {
	critical := fixtures.changed(fixtures.document, {"findings": [fixtures.changed(fixtures.finding, {"severity": "CRITICAL"})]})
	every expires, rules in {"2026-12-07T09:59:59Z": {"exceptions.expiring"}, "2026-12-07T10:00:00Z": set()} {
		decision := staging.decision with input as critical
			with data.staging.exceptions as {"EXC-1": fixtures.changed(fixtures.exception, {"expires": expires})}
		decision.verdict == "allow"
		{warning.rule | some warning in decision.warnings} == rules
	}
}
