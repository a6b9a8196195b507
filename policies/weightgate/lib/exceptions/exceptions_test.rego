package weightgate.lib.exceptions_test

import data.weightgate.lib.exceptions
import data.weightgate.lib.fixtures_test as fixtures

_ask(entries, at, limits) := {"in_force": in_force, "expired": expired, "rejected": rejected} if {
	document := {"context": {"evaluated_at": at}}
	settings := {"exceptions": fixtures.changed(fixtures.settings.exceptions, limits)}
	in_force := exceptions.in_force with input as document with data.weightgate.settings as settings with data.weightgate.exceptions as entries
	expired := exceptions.expired with input as document with data.weightgate.settings as settings with data.weightgate.exceptions as entries
	rejected := exceptions.rejected with input as document with data.weightgate.settings as settings with data.weightgate.exceptions as entries
}

_now := "2026-11-23T10:00:00Z"

_one(changes) := _ask({"EXC-1": fixtures.changed(fixtures.exception, changes)}, _now, {})

_in_force := {"in_force": {"EXC-1"}, "expired": set(), "rejected": set()}

_rejected(reason) := {"in_force": set(), "expired": set(), "rejected": {{"id": "EXC-1", "reason": reason}}}

# Whether the exception is rejected for something about this place in it.
_rejected_at(changes, place) if {
	result := _one(changes)
	result.in_force == set()
	result.expired == set()
	some rejected in result.rejected
	startswith(rejected.reason, place)
}

# --- an exception alone ---

test_no_exceptions if _ask({}, _now, {}) == {"in_force": set(), "expired": set(), "rejected": set()}

test_a_sound_exception_is_in_force if {
	_one({}) == _in_force
	every scope in [
		{"finding": "wgf-1", "digest": fixtures.document.model.digest},
		{"rule": "S201", "model": "file:///models/**"},
		{"rule": "S201", "path": "weights/*.pkl"},
		{"rule": "S201", "path": "{weights,other}/*"},
		{"rule": "S201", "path": "model-[0-9].bin", "model": "https://huggingface.co/org/name", "digest": fixtures.document.model.digest},
	] {
		_one({"scope": scope}) == _in_force
	}
}

test_it_ends_in_the_second_of_its_expiry if {
	entries := {"EXC-1": fixtures.exception}
	_ask(entries, "2026-12-19T23:59:59Z", {}) == _in_force
	_ask(entries, "2026-12-20T00:00:00Z", {}) == {"in_force": set(), "expired": {"EXC-1"}, "rejected": set()}
	_ask(entries, "2026-12-20T00:59:59+01:00", {}) == _in_force
}

test_it_begins_in_the_second_of_its_creation if {
	entries := {"EXC-1": fixtures.exception}
	_ask(entries, "2026-11-19T23:59:59Z", {}) == _rejected("it is created in the future")
	_ask(entries, "2026-11-20T00:00:00Z", {}) == _in_force
}

test_a_date_is_its_first_second if {
	_one({"created": "2026-11-20", "expires": "2026-11-24"}) == _in_force
	_one({"expires": "2026-11-23"}) == {"in_force": set(), "expired": {"EXC-1"}, "rejected": set()}
	_one({"created": "2026-11-24"}) == _rejected("it is created in the future")
}

test_it_lasts_at_most_as_long_as_the_longest_limit if {
	_one({"created": "2026-11-20", "expires": "2027-02-18"}) == _in_force
	_one({"created": "2026-11-20", "expires": "2027-02-18T00:00:01Z"}) == _rejected("it lasts longer than 90 days")
	_one({"created": "2026-11-20", "expires": "2026-11-20"}) == _rejected("it expires before it begins")
}

test_each_key_is_needed_and_no_other if {
	every key in object.keys(fixtures.exception) {
		result := _ask({"EXC-1": object.remove(fixtures.exception, [key])}, _now, {})
		result == _rejected(sprintf("%s is required", [key]))
	}
	_one({"expire": "2026-12-20"}) == _rejected("Additional property expire is not allowed")
}

test_words_are_needed if {
	every key in ["reason", "ticket"] {
		every value in ["", " ", "-", null, 7, ["x"]] {
			_rejected_at({key: value}, key)
		}
	}
}

test_people_are_named if {
	every key in ["owner", "approver"] {
		every value in ["", " ", null, 7, "a\nb", "a  b"] {
			_rejected_at({key: value}, key)
		}
	}
}

test_a_person_cannot_approve_for_themselves if {
	every name in ["alice@example.org", "Alice@Example.ORG"] {
		_one({"approver": name}) == _rejected("the owner cannot be the approver")
	}
	every name in ["alice@example.org ", " alice@example.org", "alice@example.org\u00a0", "alice@example.org\u200b", "аlice@example.org"] {
		_rejected_at({"approver": name}, "approver")
	}
}

test_approvers_are_those_of_the_environment if {
	entries := {"EXC-1": fixtures.exception}
	_ask(entries, _now, {"approvers": ["bob@example.org"]}) == _in_force
	_ask(entries, _now, {"approvers": ["carol@example.org"]}) == _rejected("the approver is none of the environment's approvers")
	_ask(entries, _now, {"approvers": null}) == _rejected("the approver is none of the environment's approvers")
}

test_times_are_times if {
	every key in ["created", "expires"] {
		every value in ["", "tomorrow", "2026-11-20 00:00:00", "20.11.2026", "2026-11-20T00:00:00", null, 20261120] {
			_rejected_at({key: value}, key)
		}
	}
	_one({"expires": "2026-02-30"}) == _rejected("it is not well-formed")
}

test_a_scope_is_narrow if {
	every scope in [
		null, "wgf-1", {},
		{"rule": "S201"}, {"path": "a"}, {"model": "a"}, {"digest": fixtures.document.model.digest},
		{"rule": "S201", "digest": fixtures.document.model.digest},
		{"finding": "wgf-1", "rule": "S201"}, {"finding": "wgf-1", "path": "a"}, {"finding": "wgf-1", "model": "a"},
		{"finding": "wgf-1", "expires": "never"},
	] {
		_rejected_at({"scope": scope}, "scope")
	}
	every value in ["", " ", "*", "wgf-*", "wgf-?", "*wgf-1", "wgf-*1", null, 7] {
		_rejected_at({"scope": {"finding": value}}, "scope.finding")
		_rejected_at({"scope": {"rule": value, "path": "a"}}, "scope.rule")
	}
	every value in ["", "sha256:abc", sprintf("%s0", [fixtures.document.model.digest]), upper(fixtures.document.model.digest), null] {
		_rejected_at({"scope": {"finding": "wgf-1", "digest": value}}, "scope.digest")
	}
}

test_a_pattern_names_something if {
	every key in ["path", "model"] {
		every pattern in _too_wide {
			_rejected_at({"scope": {"rule": "S201", "path": "a", key: pattern}}, sprintf("scope.%s", [key]))
		}
	}
}

_too_wide := {
	"", "*", "**", "**/*", "/**", "?*", "[a-z]*", "[!a]**", "{*,a}", "{**}", "{a,*}/**", "{**,{a,b}}", "[^a]*", `\*`, `{*,\}a`,
	"{,a}*", "[*", "a[*", `a\*`, "{a,b", "*/*/*", ".*", null, 7,
}

test_one_bad_exception_does_not_take_others_with_it if {
	result := _ask({"EXC-1": fixtures.exception, "EXC-2": {}, "EXC-3": null}, _now, {})
	result.in_force == {"EXC-1"}
	{rejected.id | some rejected in result.rejected} == {"EXC-2", "EXC-3"}
}

test_without_limits_nothing_is_in_force if {
	_ask({"EXC-1": fixtures.exception}, _now, {"max_days": {}}) == _rejected("it lasts longer than 0 days")
	every settings in [{}, null] {
		in_force := exceptions.in_force with data.weightgate.settings as settings
			with input as fixtures.document
			with data.weightgate.exceptions as {"EXC-1": fixtures.exception}
		in_force == set()
	}
}

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

_refusal(severity, changes) := reason if {
	reason := exceptions.refusal("EXC-1", severity, fixtures.finding) with input as fixtures.document
		with data.weightgate.exceptions as {"EXC-1": fixtures.changed(fixtures.exception, changes)}
		with data.weightgate.settings as fixtures.settings
}

test_it_says_why_it_does_not_excuse if {
	_refusal("HIGH", {"expires": "2026-11-23"}) == "exception EXC-1 expired at 2026-11-23"
	_refusal("CRITICAL", {"expires": "2026-12-21"}) == "exception EXC-1 cannot excuse CRITICAL here, or not this rule, or not for so long"
	not _refusal("HIGH", {})
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

test_a_file_that_is_empty_holds_no_exception if {
	every nothing in [null, []] {
		_ask(nothing, _now, {}) == {"in_force": set(), "expired": set(), "rejected": set()}
	}
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
