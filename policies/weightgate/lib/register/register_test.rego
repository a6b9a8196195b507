package weightgate.lib.register_test

import data.weightgate.lib.fixtures_test as fixtures
import data.weightgate.lib.register

_ask(entries, at, limits) := object.filter(found, ["in_force", "expired", "rejected"]) if {
	found := register.entries with input as {"context": {"evaluated_at": at}}
		with data.weightgate.settings as {"exceptions": fixtures.changed(fixtures.settings.exceptions, limits)}
		with data.weightgate.exceptions as entries
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
		in_force := register.entries.in_force with data.weightgate.settings as settings
			with input as fixtures.document
			with data.weightgate.exceptions as {"EXC-1": fixtures.exception}
		in_force == set()
	}
}

test_a_file_that_is_empty_holds_no_exception if {
	every nothing in [null, []] {
		_ask(nothing, _now, {}) == {"in_force": set(), "expired": set(), "rejected": set()}
	}
}

test_sound_ones_are_found_by_what_they_are_about if {
	scopes := {"E-1": {"finding": "wgf-1"}, "E-2": {"rule": "S201", "path": "a"}, "E-3": {"rule": "S201", "model": "a"}, "E-4": {}}
	entries := {id: fixtures.changed(fixtures.exception, {"scope": scope}) | some id, scope in scopes}
	found := register.entries with input as fixtures.document
		with data.weightgate.settings as fixtures.settings
		with data.weightgate.exceptions as entries
	found.by_finding == {"wgf-1": {"E-1"}}
	found.by_rule == {"S201": {"E-2", "E-3"}}
	found.sound["E-1"] == {"scope": {"finding": "wgf-1"}, "created": time.parse_rfc3339_ns("2026-11-20T00:00:00Z"), "expires": time.parse_rfc3339_ns("2026-12-20T00:00:00Z")}
	object.keys(found.sound) == {"E-1", "E-2", "E-3"}
}

_prepared(entries, settings, at) := {"exceptions": {[entries, settings, at]: {"in_force": {"EXC-9"}}}}

_at := time.parse_rfc3339_ns(_now)

test_what_was_prepared_for_these_exceptions_counts if {
	found := register.entries with input as fixtures.document
		with data.weightgate.settings as fixtures.settings
		with data.weightgate.exceptions as {"EXC-1": fixtures.exception}
		with data.weightgate.lib.prepared.values as _prepared({"EXC-1": fixtures.exception}, fixtures.settings, _at)
	found == {"in_force": {"EXC-9"}}
}

test_what_was_prepared_for_others_does_not if {
	every prepared in [
		_prepared({}, fixtures.settings, _at),
		_prepared({"EXC-1": fixtures.exception}, {}, _at),
		_prepared({"EXC-1": fixtures.exception}, fixtures.settings, _at + 1),
		{"exceptions": {}},
	] {
		found := register.entries with input as fixtures.document
			with data.weightgate.settings as fixtures.settings
			with data.weightgate.exceptions as {"EXC-1": fixtures.exception}
			with data.weightgate.lib.prepared.values as prepared
		found.in_force == {"EXC-1"}
	}
}
