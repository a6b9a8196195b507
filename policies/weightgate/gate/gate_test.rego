package weightgate.gate_test

import data.weightgate.gate
import data.weightgate.lib.fixtures_test as fixtures

_decide(document, settings, exceptions) := decision if {
	decision := gate.decision with input as document
		with data.weightgate.environment as "test"
		with data.weightgate.settings as object.union(fixtures.settings, settings)
		with data.weightgate.exceptions as exceptions
}

_with(changes) := fixtures.changed(fixtures.document, changes)

_rules(violations) := {violation.rule | some violation in violations}

_unscanned := _with({"scans": [fixtures.changed(fixtures.scan, {
	"status": "partial",
	"unscanned": [{"path": "weights/model.pkl", "reason": "too large"}],
})]})

test_the_whole_decision_about_a_model_that_may_pass if {
	_decide(fixtures.document, {}, {}) == {
		"schema": "weightgate.decision/v1",
		"environment": "test",
		"allow": true,
		"verdict": "allow",
		"evaluated_at": "2026-11-23T10:00:00Z",
		"model": {"uri": "file:///models/tiny", "digest": fixtures.document.model.digest},
		"violations": [],
		"warnings": [],
		"counts": {"CRITICAL": 0, "HIGH": 0, "MEDIUM": 0, "LOW": 0, "INFO": 0},
		"exceptions": {"applied": [], "expired": [], "unused": [], "rejected": []},
		"input_digest": sprintf("sha256:%s", [crypto.sha256(json.marshal(object.remove(fixtures.document, ["context"])))]),
	}
}

test_the_whole_decision_about_a_model_that_may_not if {
	decision := _decide(_with({"findings": [fixtures.finding]}), {}, {"EXC-1": fixtures.changed(fixtures.exception, {"scope": {"finding": "wgf-9"}}), "EXC-2": {}})
	decision.allow == false
	decision.verdict == "deny"
	decision.violations == [{
		"rule": "severity.threshold",
		"msg": "HIGH: os.system is called",
		"finding": "wgf-1",
		"severity": "HIGH",
		"path": "weights/model.pkl",
	}]
	decision.counts.HIGH == 1
	decision.exceptions.unused == ["EXC-1"]
	{rejected.id | some rejected in decision.exceptions.rejected} == {"EXC-2"}
}

test_an_exception_that_is_used_is_listed if {
	decision := _decide(_with({"findings": [fixtures.finding]}), {}, {"EXC-1": fixtures.exception})
	decision.verdict == "allow"
	decision.exceptions == {
		"applied": [{"id": "EXC-1", "finding": "wgf-1", "expires": "2026-12-20T00:00:00Z"}],
		"expired": [],
		"unused": [],
		"rejected": [],
	}
	decision.counts.HIGH == 1
	decision.warnings == []
}

test_an_exception_that_ends_soon_is_announced if {
	entries := {"EXC-1": fixtures.changed(fixtures.exception, {"expires": "2026-11-25"})}
	_decide(_with({"findings": [fixtures.finding]}), {}, entries).warnings == [{
		"rule": "exceptions.expiring",
		"msg": "exception EXC-1 excuses this finding only until 2026-11-25",
		"finding": "wgf-1",
		"severity": null,
		"path": null,
	}]
}

_warnings(findings, entries) := {warning.rule: warning.msg | some warning in decision.warnings} if {
	decision := _decide(_with({"findings": findings}), {}, entries)
	decision.verdict == "allow"
}

_many(number) := [fixtures.changed(fixtures.finding, {"id": sprintf("wgf-%d", [n])}) | some n in numbers.range(1, number)]

test_an_exception_for_many_findings_is_announced if {
	entries := {"EXC-1": fixtures.changed(fixtures.exception, {"scope": {"rule": "S201", "path": "weights/*"}})}
	_warnings(_many(20), entries) == {}
	_warnings(_many(21), entries) == {"exceptions.broad": "exception EXC-1 excuses 21 findings of this model; narrow its scope"}
}

test_an_exception_that_another_makes_needless_is_announced if {
	wide := fixtures.changed(fixtures.exception, {"scope": {"rule": "S201", "path": "weights/*"}})
	msg := "exception EXC-1 excuses nothing that exception EXC-2 does not excuse for as long"
	_warnings(_many(2), {"EXC-1": fixtures.exception, "EXC-2": wide}) == {"exceptions.shadowed": msg}
	_warnings(_many(1), {"EXC-1": fixtures.exception, "EXC-2": fixtures.exception}) == {"exceptions.shadowed": msg}
	sooner := fixtures.changed(wide, {"expires": "2026-12-19"})
	_warnings(_many(2), {"EXC-1": fixtures.exception, "EXC-2": sooner}) == {}
	other := fixtures.changed(fixtures.exception, {"scope": {"finding": "wgf-2"}})
	_warnings(_many(2), {"EXC-1": fixtures.exception, "EXC-2": other}) == {}
}

test_an_expired_exception_is_listed_and_refuses if {
	entries := {"EXC-1": fixtures.changed(fixtures.exception, {"expires": "2026-11-23T10:00:00Z"})}
	decision := _decide(_with({"findings": [fixtures.finding]}), {}, entries)
	decision.verdict == "deny"
	decision.exceptions.expired == ["EXC-1"]
	decision.exceptions.unused == []
}

test_missing_evidence_is_indeterminate if {
	every document in [_with({"scans": []}), _unscanned, _with({"model": fixtures.changed(fixtures.document.model, {"digest": null})})] {
		decision := _decide(document, {}, {})
		decision.verdict == "indeterminate"
		decision.allow == false
		count(decision.violations) > 0
	}
	_decide(fixtures.document, {"scanners": {"required": ["modelscan"]}}, {}).verdict == "indeterminate"
}

test_a_fault_outweighs_missing_evidence if {
	decision := _decide(fixtures.changed(_unscanned, {"findings": [fixtures.finding]}), {}, {})
	decision.verdict == "deny"
	_rules(decision.violations) == {"severity.threshold", "coverage.complete"}
}

test_each_rule_can_refuse if {
	cases := {
		"document.valid": _with({"schema": "x"}),
		"outcome.safe": _with({"scans": [fixtures.changed(fixtures.scan, {"outcome": "BLOCKED"})]}),
		"severity.threshold": _with({"findings": [fixtures.finding]}),
		"coverage.complete": _unscanned,
		"model.digest": _with({"model": fixtures.changed(fixtures.document.model, {"digest": null})}),
		"model.pinned_revision": _with({"model": fixtures.changed(fixtures.document.model, {"source": "huggingface"})}),
		"model.file_digests": _with({"model": fixtures.changed(fixtures.document.model, {"files": [object.remove(fixtures.document.model.files[0], ["sha256"])]})}),
	}
	every rule, document in cases {
		_rules(_decide(document, {"rules": {"model.file_digests": {"level": "deny"}}}, {}).violations) == {rule}
	}
	_rules(_decide(fixtures.document, {"unknown": 1}, {}).violations) == {"settings.valid"}
	_rules(_decide(fixtures.document, {"scanners": {"required": ["modelscan"]}}, {}).violations) == {"scanners.required"}
	told := {
		"model.formats": {"allowed": []},
		"model.licence": {"judged_by": []},
		"model.source": {"sources": ["s3"], "hosts": [], "organizations": [], "denied_models": []},
		"scanners.corroborated": {"at_least": 2},
		"scanners.minimum_version": {"minimum": {"modelaudit": "1"}},
		"scans.fresh": {"max_hours": 0},
	}
	every rule, parameters in told {
		_rules(_decide(fixtures.document, fixtures.told(rule, parameters), {}).violations) == {rule}
	}
	low := _with({"findings": [fixtures.changed(fixtures.finding, {"severity": "LOW"})]})
	_rules(_decide(low, fixtures.told("severity.budget", {"at_most": {"LOW": 0}}), {}).violations) == {"severity.budget"}
	_rules(_decide(low, fixtures.told("threats.forbidden", {"kinds": ["load-time-code-execution"]}), {}).violations) == set()
	trojan := _with({"findings": [fixtures.changed(fixtures.finding, {"severity": "INFO", "category": "trojan"})]})
	_rules(_decide(trojan, fixtures.told("threats.forbidden", {"kinds": ["trojan"]}), {}).violations) == {"threats.forbidden"}
	((object.keys(cases) | object.keys(told)) | {"settings.valid", "scanners.required"}) | {"severity.budget", "threats.forbidden"} == gate.rule_ids
}

test_a_rule_that_the_environment_does_not_mention_refuses if {
	decision := _decide(fixtures.document, {"rules": {rule: {"level": "deny"} | some rule in fixtures.optional}}, {})
	decision.verdict == "deny"
	_rules(decision.violations) == fixtures.optional - {"model.file_digests"}
	none := gate.decision with input as fixtures.document
		with data.weightgate.environment as "test"
		with data.weightgate.settings as fixtures.changed(fixtures.settings, {"rules": {}})
		with data.weightgate.exceptions as {}
	none.violations == decision.violations
}

test_an_exception_for_a_forbidden_threat_is_listed if {
	trojan := _with({"findings": [fixtures.changed(fixtures.finding, {"severity": "INFO", "category": "trojan"})]})
	decision := _decide(trojan, fixtures.told("threats.forbidden", {"kinds": ["trojan"]}), {"EXC-1": fixtures.exception})
	decision.verdict == "allow"
	decision.exceptions.applied == [{"id": "EXC-1", "finding": "wgf-1", "expires": "2026-12-20T00:00:00Z"}]
	decision.exceptions.unused == []
}

test_a_rule_that_warns_does_not_refuse if {
	decision := _decide(_unscanned, {"rules": {"coverage.complete": {"level": "warn"}}}, {})
	decision.verdict == "allow"
	decision.violations == []
	_rules(decision.warnings) == {"coverage.complete"}
	count(decision.warnings) == 2
}

test_a_rule_that_is_off_says_nothing if {
	decision := _decide(_unscanned, {"rules": {"coverage.complete": {"level": "off"}}}, {})
	decision.verdict == "allow"
	decision.violations == []
	decision.warnings == []
}

test_a_floor_refuses_whatever_the_settings_say if {
	decision := _decide(_with({"findings": [fixtures.finding]}), {"rules": {"severity.threshold": {"level": "off"}}}, {})
	_rules(decision.violations) == {"severity.threshold", "settings.valid"}
}

test_no_document_is_refused if {
	every nothing in [[], null, "x"] {
		not _decide(nothing, {}, {})
	}
	decision := _decide({}, {}, {})
	decision.verdict == "deny"
	decision.model == {"uri": "unknown", "digest": null}
}

test_without_settings_or_exceptions_nothing_is_allowed if {
	not gate.decision.allow with input as fixtures.document
	not gate.decision.allow with input as fixtures.document with data.weightgate.settings as {} with data.weightgate.exceptions as {}
	decision := gate.decision with input as _with({"findings": [fixtures.finding]})
		with data.weightgate.environment as "test"
		with data.weightgate.settings as fixtures.settings
	decision.verdict == "deny"
}

test_the_context_is_no_part_of_the_digest if {
	later := _with({"context": {"evaluated_at": "2026-11-24T10:00:00Z"}})
	_decide(later, {}, {}).input_digest == _decide(fixtures.document, {}, {}).input_digest
}

# --- rules of one environment ---

_own(violations, rules) := decision if {
	decision := gate.decision with input as fixtures.document
		with data.weightgate.environment as "test"
		with data.weightgate.settings as object.union(fixtures.settings, {"rules": rules})
		with data.weightgate.exceptions as {}
		with data.weightgate.own as violations
}

_small := {"rule": "local.small_models", "msg": "the model is too large"}

test_an_environment_can_have_rules_of_its_own if {
	decision := _own({_small}, {})
	decision.verdict == "deny"
	decision.violations == [fixtures.violation(_small.rule, _small.msg)]
	_own(set(), {}).verdict == "allow"
}

test_its_own_rules_have_levels_too if {
	_own({_small}, {"local.small_models": {"level": "warn"}}).warnings == [fixtures.violation(_small.rule, _small.msg)]
	_own({_small}, {"local.small_models": {"level": "off"}}).verdict == "allow"
	_own(set(), {"local.small_models": {"level": "warn"}}).verdict == "allow"
}

test_its_own_rules_are_not_lost_when_they_are_written_in_another_way if {
	every own in [true, false, "too large", {"msg": "x"}, ["x"], {"too large"}, {{"msg": "x"}}, {{"rule": "local.x"}}, {{"rule": "model.digest", "msg": "x"}}, {{"rule": 1, "msg": "x"}}, {7}, null] {
		decision := _own(own, {})
		decision.verdict == "deny"
		_rules(decision.violations) == {"local.unnamed"}
	}
	msg := "a rule of this environment gave {\"msg\": \"x\"}; expected rule local.… and msg"
	_own({{"msg": "x"}}, {}).violations == [fixtures.violation("local.unnamed", msg)]
}

# --- break-glass ---

_broken(document, settings, grants) := decision if {
	decision := gate.decision with input as document
		with data.weightgate.environment as "test"
		with data.weightgate.settings as object.union(fixtures.settings, settings)
		with data.weightgate.exceptions as {"EXC-1": fixtures.changed(fixtures.exception, {"scope": {"finding": "wgf-99"}})}
		with data.weightgate.break_glass as grants
}

test_a_grant_lets_one_model_pass_and_is_announced if {
	decision := _broken(_with({"findings": [fixtures.finding]}), {}, {"BG-1": fixtures.grant})
	decision.verdict == "allow"
	decision.allow == true
	decision.violations == []
	decision.counts.HIGH == 1
	decision.warnings == [{
		"rule": "break_glass.used",
		"msg": concat("", [
			"BREAK-GLASS BG-1 overrides severity.threshold until 2026-11-23T12:00:00Z ",
			"(alice@example.org, approved by bob@example.org, SEC-1): HIGH: os.system is called",
		]),
		"finding": "wgf-1",
		"severity": "HIGH",
		"path": "weights/model.pkl",
	}]
	decision.exceptions == {
		"applied": [{"id": "BG-1", "finding": "wgf-1", "expires": "2026-11-23T12:00:00Z"}],
		"expired": [],
		"unused": ["EXC-1"],
		"rejected": [],
	}
}

test_a_grant_overrides_only_what_it_names if {
	remote := fixtures.changed(fixtures.document.model, {"source": "huggingface"})
	document := _with({"findings": [fixtures.finding], "model": remote})
	decision := _broken(document, {}, {"BG-1": fixtures.grant})
	decision.verdict == "deny"
	_rules(decision.violations) == {"model.pinned_revision"}
	_rules(decision.warnings) == {"break_glass.used"}
	both := fixtures.changed(fixtures.grant, {"rules": ["severity.threshold", "model.pinned_revision"]})
	whole := _broken(document, {}, {"BG-1": both})
	whole.verdict == "allow"
	count(whole.warnings) == 2
	whole.exceptions.applied == [{"id": "BG-1", "finding": "wgf-1", "expires": "2026-11-23T12:00:00Z"}]
	alone := _broken(_with({"model": remote}), {}, {"BG-1": both})
	alone.verdict == "allow"
	alone.exceptions == {"applied": [], "expired": [], "unused": ["EXC-1"], "rejected": []}
}

test_a_grant_for_another_model_is_unused if {
	other := fixtures.changed(fixtures.grant, {"digest": sprintf("sha256:%s", [replace(fixtures.sha256, "a", "b")])})
	decision := _broken(_with({"findings": [fixtures.finding]}), {}, {"BG-1": other})
	decision.verdict == "deny"
	decision.warnings == []
	decision.exceptions == {"applied": [], "expired": [], "unused": ["BG-1", "EXC-1"], "rejected": []}
}

test_a_grant_that_ended_is_listed if {
	ended := fixtures.changed(fixtures.grant, {"expires": "2026-11-23T10:00:00Z"})
	decision := _broken(_with({"findings": [fixtures.finding]}), {}, {"BG-1": ended, "BG-2": {}})
	decision.verdict == "deny"
	decision.exceptions.expired == ["BG-1"]
	{rejected.id | some rejected in decision.exceptions.rejected} == {"BG-2"}
}

test_no_grant_makes_up_for_missing_evidence_or_an_unsafe_outcome if {
	every document in [
		_with({"scans": []}),
		_unscanned,
		_with({"scans": [fixtures.changed(fixtures.scan, {"status": "failed", "outcome": null})]}),
		_with({"scans": [fixtures.changed(fixtures.scan, {"outcome": "BLOCKED"})]}),
		_with({"schema": "x"}),
	] {
		every rules in [["severity.threshold"], ["coverage.complete"], ["outcome.safe"], ["document.valid"], ["scanners.required"]] {
			decision := _broken(document, {}, {"BG-1": fixtures.changed(fixtures.grant, {"rules": rules})})
			decision == fixtures.changed(_broken(document, {}, {}), {"exceptions": decision.exceptions})
			decision.allow == false
		}
	}
	settings := _broken(fixtures.document, {"unknown": 1}, {"BG-1": fixtures.changed(fixtures.grant, {"rules": ["settings.valid"]})})
	settings.verdict == "deny"
}

test_each_rule_that_may_be_overridden_can_be if {
	told := {
		"model.formats": {"allowed": []},
		"model.licence": {"judged_by": ["modelaudit"]},
		"model.pinned_revision": {},
		"model.source": {"sources": ["s3"], "hosts": [], "organizations": [], "denied_models": []},
		"severity.budget": {"at_most": {"LOW": 0}},
		"threats.forbidden": {"kinds": ["trojan"]},
	}
	every rule, parameters in told {
		found := fixtures.changed(fixtures.finding, {"severity": "LOW", "category": "trojan", "rule": "licence"})
		document := _with({"findings": [found], "model": fixtures.changed(fixtures.document.model, {"source": "huggingface"})})
		levels := fixtures.changed(fixtures.told(rule, parameters), {})
		settings := {"rules": object.union({"model.pinned_revision": {"level": "off"}}, object.filter(levels.rules, [rule]))}
		_rules(_broken(document, settings, {}).violations) == {rule}
		decision := _broken(document, settings, {"BG-1": fixtures.changed(fixtures.grant, {"rules": [rule]})})
		decision.verdict == "allow"
		_rules(decision.warnings) == {"break_glass.used"}
	}
}

test_own_rules_may_be_overridden_unless_they_are_marked if {
	own := {{"rule": "local.small_models", "msg": "too large"}}
	grant := fixtures.changed(fixtures.grant, {"rules": ["local.small_models"]})
	verdicts := {name: decision.verdict |
		some name, never in {"marked": ["local.small_models"], "unmarked": []}
		decision := gate.decision with input as fixtures.document
			with data.weightgate.environment as "test"
			with data.weightgate.settings as fixtures.changed(fixtures.settings, {"break_glass": {"max_hours": 8, "never_override": never}})
			with data.weightgate.exceptions as {}
			with data.weightgate.break_glass as {"BG-1": grant}
			with data.weightgate.own as own
	}
	verdicts == {"marked": "deny", "unmarked": "allow"}
}

test_a_grant_for_many_findings_is_not_announced_as_a_broad_exception if {
	decision := _broken(_with({"findings": _many(21)}), {}, {"BG-1": fixtures.grant})
	decision.verdict == "allow"
	_rules(decision.warnings) == {"break_glass.used"}
	count(decision.warnings) == 21
}

test_a_model_without_files_has_no_format_that_is_known if {
	empty := _with({"model": fixtures.changed(fixtures.document.model, {"files": []})})
	decision := _decide(empty, fixtures.told("model.formats", {"allowed": []}), {})
	decision.verdict == "indeterminate"
	_rules(decision.violations) == {"model.formats"}
}
