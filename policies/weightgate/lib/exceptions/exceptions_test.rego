package weightgate.lib.exceptions_test

import data.weightgate.lib.exceptions
import data.weightgate.lib.fixtures_test as fixtures

test_it_is_announced_before_it_ends if {
	settings := {"exceptions": fixtures.settings.exceptions}
	entries := {
		"soon": fixtures.changed(fixtures.exception, {"expires": "2026-11-30T09:59:59Z"}),
		"later": fixtures.changed(fixtures.exception, {"expires": "2026-11-30T10:00:00Z"}),
	}
	exceptions.expiring("soon") with input as fixtures.document with data.weightgate.settings as settings with data.weightgate.exceptions as entries
	not exceptions.expiring("later") with input as fixtures.document with data.weightgate.settings as settings with data.weightgate.exceptions as entries
}

# --- an exception and a severity ---

_excuses(severity, changes, limits) if {
	exceptions.excuses("EXC-1", severity, fixtures.finding) with input as fixtures.document
		with data.weightgate.exceptions as {"EXC-1": fixtures.changed(fixtures.exception, changes)}
		with data.weightgate.settings as {"exceptions": fixtures.changed(fixtures.settings.exceptions, limits)}
}

test_it_excuses_for_as_long_as_the_severity_may if {
	_excuses("CRITICAL", {"created": "2026-11-20", "expires": "2026-12-20"}, {})
	not _excuses("CRITICAL", {"created": "2026-11-20", "expires": "2026-12-20T00:00:01Z"}, {})
	_excuses("HIGH", {"created": "2026-11-20", "expires": "2026-12-21"}, {})
	not _excuses("UNKNOWN", {}, {})
}

test_some_severities_are_never_excused if {
	not _excuses("HIGH", {}, {"never": ["HIGH"]})
	_excuses("MEDIUM", {}, {"never": ["HIGH"]})
	not _excuses("HIGH", {}, {"never": null})
}

test_some_rules_are_never_excused if {
	not _excuses("HIGH", {}, {"never_rules": ["S201"]})
	_excuses("HIGH", {}, {"never_rules": ["S202"]})
	threat := fixtures.changed(fixtures.finding, {"threat": "PAIT-PKL-100", "severity": "LOW"})
	not exceptions.excuses("EXC-1", "LOW", threat) with input as fixtures.document
		with data.weightgate.exceptions as {"EXC-1": fixtures.exception}
		with data.weightgate.settings.exceptions as fixtures.changed(fixtures.settings.exceptions, {"never_rules": ["PAIT-PKL-100"]})
}

test_only_in_force_it_excuses if {
	not _excuses("HIGH", {"expires": "2026-11-23"}, {})
	not _excuses("HIGH", {"reason": ""}, {})
}

_refusal(severity, changes, limits) := reason if {
	reason := exceptions.refusal("EXC-1", severity, fixtures.finding) with input as fixtures.document
		with data.weightgate.exceptions as {"EXC-1": fixtures.changed(fixtures.exception, changes)}
		with data.weightgate.settings as {"exceptions": fixtures.changed(fixtures.settings.exceptions, limits)}
}

test_it_says_why_it_does_not_excuse if {
	_refusal("HIGH", {"expires": "2026-11-23"}, {"never": ["HIGH"]}) == "exception EXC-1 expired at 2026-11-23"
	_refusal("HIGH", {}, {"never": ["HIGH"]}) == "exception EXC-1 cannot excuse HIGH: this environment lets nothing excuse it"
	_refusal("HIGH", {}, {"never_rules": ["S201"]}) == "exception EXC-1 cannot excuse this rule or threat: this environment lets nothing excuse it"
	_refusal("CRITICAL", {"expires": "2026-12-21"}, {}) == "exception EXC-1 lasts longer than the 30 days for which CRITICAL may be excused here"
	_refusal("UNKNOWN", {}, {}) == "exception EXC-1 lasts longer than the 0 days for which UNKNOWN may be excused here"
	not _refusal("HIGH", {}, {})
}

# --- an exception and findings ---

_covering(scopes, findings) := result if {
	entries := {id: fixtures.changed(fixtures.exception, {"scope": scope}) | some id, scope in scopes}
	result := exceptions.covering with input as fixtures.changed(fixtures.document, {"findings": findings})
		with data.weightgate.exceptions as entries
		with data.weightgate.settings as fixtures.settings
}

# Whether the scope is about the fixture's finding, which lies beside one that it must not be about.
_about(scope) if {
	other := fixtures.changed(fixtures.finding, {"id": "wgf-2", "rule": "S202", "path": "other.bin"})
	_covering({"EXC-1": scope}, [other, fixtures.finding]) == {1: {"EXC-1"}}
}

_about_none(scope) if _covering({"EXC-1": scope}, [fixtures.finding]) == {}

test_by_finding if {
	_about({"finding": "wgf-1"})
	_about_none({"finding": "wgf-11"})
	_about_none({"finding": "WGF-1"})
}

test_by_rule_and_path if {
	_about({"rule": "S201", "path": "weights/model.pkl"})
	_about_none({"rule": "S201", "path": "model.pkl"})
	_about_none({"rule": "S2", "path": "weights/model.pkl"})
	_about_none({"rule": "S202", "path": "weights/model.pkl"})
}

test_by_rule_and_pattern if {
	every pattern in ["weights/*.pkl", "**/*.pkl", "weights/mode?.pkl", "weights/{model,other}.pkl", "weights/[a-z]odel.pkl", "w*/model.pkl"] {
		_about({"rule": "S201", "path": pattern})
	}
	every pattern in ["*.pkl", "weights/*.bin", "weights/*/model.pkl", "Weights/*.pkl", "weights/{a,b}.pkl"] {
		_about_none({"rule": "S201", "path": pattern})
	}
	_about_none({"rule": "S202", "path": "weights/*.pkl"})
}

test_several_patterns_are_kept_apart if {
	scopes := {
		"a": {"rule": "S201", "path": "weights/*.pkl"},
		"b": {"rule": "S201", "path": "other/*.pkl"},
		"c": {"rule": "S202", "path": "weights/*.pkl"},
		"d": {"rule": "S201", "path": "weights/m*,x.pkl"},
		"e": {"rule": "S201", "path": "{weights,other}/*"},
	}
	comma := fixtures.changed(fixtures.finding, {"id": "wgf-2", "path": "weights/model,x.pkl"})
	_covering(scopes, [fixtures.finding, comma]) == {0: {"a", "e"}, 1: {"a", "d", "e"}}
}

test_a_comma_does_not_cut_a_pattern_in_two if {
	comma := fixtures.changed(fixtures.finding, {"path": "weights/model,x.pkl"})
	scopes := {"a": {"rule": "S201", "path": "[w]eights/model,x.pkl"}, "b": {"rule": "S201", "path": "other/*"}}
	_covering(scopes, [comma]) == {0: {"a"}}
}

test_several_patterns_with_commas_are_kept_whole if {
	comma := fixtures.changed(fixtures.finding, {"path": "weights/model,x.pkl"})
	_covering({"a": {"rule": "S201", "path": "[w]eights/model,x.pkl"}, "b": {"rule": "S201", "path": "[o]ther/m,y.pkl"}}, [comma]) == {0: {"a"}}
}

test_a_pattern_is_no_path if {
	finding := fixtures.changed(fixtures.finding, {"path": "weights/[a-z]odel.pkl"})
	_covering({"EXC-1": {"rule": "S201", "path": "weights/[a-z]odel.pkl"}}, [finding]) == {}
}

test_a_pattern_needs_a_path if {
	finding := fixtures.changed(fixtures.finding, {"path": null})
	every scope in [{"rule": "S201", "path": "weights/*.pkl"}, {"rule": "S201", "path": "weights/model.pkl"}] {
		_covering({"EXC-1": scope}, [finding, object.remove(finding, ["path"]), {}, null]) == {}
	}
}

test_by_rule_and_model if {
	_about({"rule": "S201", "model": "file:///models/*"})
	_about({"rule": "S201", "model": "file:///models/tiny"})
	_about_none({"rule": "S201", "model": "file:///models/tin"})
	_about_none({"rule": "S201", "model": "file:///*"})
	_about_none({"rule": "S201", "model": "file:///other/**"})
	_about({"rule": "S201", "model": "file:///models/*", "path": "weights/*"})
	_about_none({"rule": "S201", "model": "file:///models/*", "path": "other/*"})
	_about_none({"rule": "S201", "model": "file:///other/*", "path": "weights/*"})
}

test_bound_to_a_digest if {
	_about({"finding": "wgf-1", "digest": fixtures.document.model.digest})
	_about({"rule": "S201", "path": "weights/*", "digest": fixtures.document.model.digest})
	_about_none({"finding": "wgf-1", "digest": sprintf("sha256:%s", [replace(fixtures.sha256, "a", "b")])})
}

test_a_model_without_digest_or_address_is_not_meant if {
	entries := {
		"a": fixtures.changed(fixtures.exception, {"scope": {"finding": "wgf-1", "digest": fixtures.document.model.digest}}),
		"b": fixtures.changed(fixtures.exception, {"scope": {"rule": "S201", "model": "file:///models/*"}}),
	}
	every model in [{}, {"digest": null, "uri": ""}] {
		result := exceptions.covering with input as fixtures.changed(fixtures.document, {"model": model, "findings": [fixtures.finding]})
			with data.weightgate.exceptions as entries
			with data.weightgate.settings as fixtures.settings
		result == {}
	}
}

test_several_exceptions_for_one_finding if {
	_covering({"a": {"finding": "wgf-1"}, "b": {"rule": "S201", "path": "weights/*"}}, [fixtures.finding]) == {0: {"a", "b"}}
}
