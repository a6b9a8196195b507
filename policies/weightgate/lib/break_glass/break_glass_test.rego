package weightgate.lib.break_glass_test

import data.weightgate.lib.break_glass
import data.weightgate.lib.fixtures_test as fixtures

_settings(limits) := fixtures.changed(fixtures.settings, {"break_glass": fixtures.changed(fixtures.settings.break_glass, limits)})

_ask(grants, at, settings) := {"in_force": in_force, "expired": expired, "rejected": rejected} if {
	document := fixtures.changed(fixtures.document, {"context": {"evaluated_at": at}})
	in_force := break_glass.in_force with input as document
		with data.weightgate.settings as settings
		with data.weightgate.exceptions as {"EXC-1": fixtures.exception}
		with data.weightgate.break_glass as grants
	expired := break_glass.expired with input as document
		with data.weightgate.settings as settings
		with data.weightgate.exceptions as {"EXC-1": fixtures.exception}
		with data.weightgate.break_glass as grants
	rejected := break_glass.rejected with input as document
		with data.weightgate.settings as settings
		with data.weightgate.exceptions as {"EXC-1": fixtures.exception}
		with data.weightgate.break_glass as grants
}

_now := "2026-11-23T10:00:00Z"

_one(changes) := _ask({"BG-1": fixtures.changed(fixtures.grant, changes)}, _now, fixtures.settings)

_in_force := {"in_force": {"BG-1"}, "expired": set(), "rejected": set()}

_rejected(reasons) := {"in_force": set(), "expired": set(), "rejected": {{"id": "BG-1", "reason": reason} | some reason in reasons}}

_rejected_at(changes, place) if {
	result := _one(changes)
	result.in_force == set()
	result.expired == set()
	some rejected in result.rejected
	startswith(rejected.reason, place)
}

# --- a grant alone ---

test_no_grants if {
	none := {"in_force": set(), "expired": set(), "rejected": set()}
	every nothing in [{}, null, []] {
		_ask(nothing, _now, fixtures.settings) == none
	}
	break_glass.in_force == set() with input as fixtures.document with data.weightgate.settings as fixtures.settings
	break_glass.rejected == set() with input as fixtures.document with data.weightgate.settings as fixtures.settings
}

test_a_sound_grant_is_in_force if {
	_one({}) == _in_force
	_one({"rules": ["model.source", "local.small_models"]}) == _in_force
	_one({"created": "2026-11-23T10:00:00Z"}) == _in_force
}

test_it_ends_in_the_second_of_its_expiry if {
	grants := {"BG-1": fixtures.grant}
	_ask(grants, "2026-11-23T11:59:59Z", fixtures.settings) == _in_force
	_ask(grants, "2026-11-23T12:59:59+01:00", fixtures.settings) == _in_force
	_ask(grants, "2026-11-23T12:00:00Z", fixtures.settings) == {"in_force": set(), "expired": {"BG-1"}, "rejected": set()}
}

test_it_does_not_begin_before_its_time if _one({"created": "2026-11-23T10:00:01Z"}) == _rejected({"it is created in the future"})

test_it_lasts_hours if {
	_ask({"BG-1": fixtures.grant}, _now, _settings({"max_hours": 3})) == _rejected({"it lasts longer than 3 hours"})
	_ask({"BG-1": fixtures.grant}, _now, _settings({"max_hours": 4})) == _in_force
}

test_it_never_lasts_more_than_a_day if {
	long := {"BG-1": fixtures.changed(fixtures.grant, {"created": "2026-11-22T12:00:00Z"})}
	longer := {"BG-1": fixtures.changed(fixtures.grant, {"created": "2026-11-22T11:59:59Z"})}
	every hours in [24, 25, 10000] {
		_ask(long, _now, _settings({"max_hours": hours})) == _in_force
		_ask(longer, _now, _settings({"max_hours": hours})) == _rejected({"it lasts longer than 24 hours"})
	}
}

test_an_environment_without_limits_takes_none if {
	none := "this environment takes no break-glass grants"
	never := "severity.threshold can never be overridden here"
	long := "it lasts longer than 0 hours"
	_ask({"BG-1": fixtures.grant}, _now, object.remove(fixtures.settings, ["break_glass"])) == _rejected({none, never, long})
	every hours in [0, "8", null, [8]] {
		_ask({"BG-1": fixtures.grant}, _now, _settings({"max_hours": hours})) == _rejected({none, long})
	}
	_ask({"BG-1": fixtures.grant}, _now, _settings({"never_override": null})) == _rejected({"it is not well-formed", never})
	_ask({"BG-1": fixtures.grant}, _now, {}).in_force == set()
}

test_each_key_is_needed_and_no_other if {
	every key in object.keys(fixtures.grant) {
		result := _ask({"BG-1": object.remove(fixtures.grant, [key])}, _now, fixtures.settings)
		result == _rejected({sprintf("%s is required", [key])})
	}
	_one({"until": "2026-11-23T12:00:00Z"}) == _rejected({"Additional property until is not allowed"})
}

test_two_persons_give_it if {
	_one({"approver": "ALICE@example.org"}) == _rejected({"the owner cannot be the approver"})
	approvers := fixtures.changed(fixtures.settings, {"exceptions": fixtures.changed(fixtures.settings.exceptions, {"approvers": ["carol@example.org"]})})
	_ask({"BG-1": fixtures.grant}, _now, approvers) == _rejected({"the approver is none of the environment's approvers"})
}

test_each_value_has_its_form if {
	every key in ["owner", "approver", "reason", "ticket", "created", "expires"] {
		_rejected_at({key: ""}, key)
	}
	_rejected_at({"created": "2026-11-23"}, "created")
	_rejected_at({"expires": "2026-11-24"}, "expires")
	every digest in ["", "*", null, "sha256:abc", upper(fixtures.grant.digest)] {
		_rejected_at({"digest": digest}, "digest")
	}
	every rules in [[], "severity.threshold", null, [null], [7]] {
		_rejected_at({"rules": rules}, "rules")
	}
}

test_some_rules_are_never_overridden if {
	every rule in ["outcome.safe", "document.valid", "settings.valid", "coverage.complete", "model.digest", "scanners.required", "local", "severity.treshold", "*"] {
		_one({"rules": ["severity.threshold", rule]}) == _rejected({"it is not well-formed", sprintf("%s can never be overridden here", [rule])})
	}
	marked := _settings({"never_override": ["severity.threshold", "local.small_models"]})
	every rule in ["severity.threshold", "local.small_models"] {
		grants := {"BG-1": fixtures.changed(fixtures.grant, {"rules": [rule]})}
		_ask(grants, _now, marked) == _rejected({"it is not well-formed", sprintf("%s can never be overridden here", [rule])})
	}
}

test_it_has_an_identifier_of_its_own if {
	_ask({"EXC-1": fixtures.grant, "BG-1": fixtures.grant}, _now, fixtures.settings) == {
		"in_force": {"BG-1"},
		"expired": set(),
		"rejected": {
			{"id": "EXC-1", "reason": "an exception has the same id"},
			{"id": "EXC-1", "reason": "it is not well-formed"},
		},
	}
}

# --- a grant and a violation ---

_violation := {"rule": "severity.threshold", "msg": "HIGH: os.system is called", "finding": "wgf-1", "severity": "HIGH", "path": "a"}

_covers(changes, limits, violation) := ids if {
	ids := break_glass.covering(fixtures.changed(_violation, violation)) with input as fixtures.changed(fixtures.document, {"findings": [fixtures.finding]})
		with data.weightgate.settings as fixtures.changed(fixtures.settings, {"exceptions": fixtures.changed(fixtures.settings.exceptions, limits)})
		with data.weightgate.exceptions as {}
		with data.weightgate.break_glass as {"BG-1": fixtures.changed(fixtures.grant, changes), "BG-2": {}}
}

test_it_overrides_the_rules_that_it_names if {
	_covers({}, {}, {}) == {"BG-1"}
	_covers({"rules": ["model.source", "severity.threshold"]}, {}, {}) == {"BG-1"}
	_covers({"rules": ["model.source"]}, {}, {}) == set()
	_covers({}, {}, {"rule": "model.source"}) == set()
}

test_it_is_for_one_model if {
	_covers({"digest": sprintf("sha256:%s", [replace(fixtures.sha256, "a", "b")])}, {}, {}) == set()
	not break_glass.concerned with input as fixtures.changed(fixtures.document, {"model": fixtures.changed(fixtures.document.model, {"digest": null})})
		with data.weightgate.settings as fixtures.settings
		with data.weightgate.exceptions as {}
		with data.weightgate.break_glass as {"BG-1": fixtures.grant}
}

test_only_in_force_it_overrides if {
	_covers({"expires": "2026-11-23T10:00:00Z"}, {}, {}) == set()
	_covers({"reason": ""}, {}, {}) == set()
}

test_what_is_never_excused_is_not_overridden_either if {
	_covers({}, {"never": ["HIGH"]}, {}) == set()
	_covers({}, {"never": ["MEDIUM"]}, {}) == {"BG-1"}
	_covers({}, {"never": null}, {}) == set()
	_covers({}, {"never_rules": ["S201"]}, {}) == set()
	_covers({}, {"never_rules": ["S202"]}, {}) == {"BG-1"}
	_covers({}, {"never_rules": ["S201"]}, {"finding": null}) == {"BG-1"}
}

test_it_says_so if {
	said := break_glass.used("BG-1", _violation) with data.weightgate.break_glass as {"BG-1": fixtures.grant}
	said == concat("", [
		"BREAK-GLASS BG-1 overrides severity.threshold until 2026-11-23T12:00:00Z ",
		"(alice@example.org, approved by bob@example.org, SEC-1): HIGH: os.system is called",
	])
	break_glass.expires("BG-1") == "2026-11-23T12:00:00Z" with data.weightgate.break_glass as {"BG-1": fixtures.grant}
}
