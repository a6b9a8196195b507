package weightgate.lib.permissions_test

import data.weightgate.lib.clock
import data.weightgate.lib.permissions

_now := {"context": {"evaluated_at": "2026-11-23T10:00:00Z"}}

_permission := {
	"owner": "alice@example.org",
	"approver": "bob@example.org",
	"created": "2026-11-23T08:00:00Z",
	"expires": "2026-11-23T12:00:00Z",
}

_times(changes, approvers, hours) := times if {
	times := permissions.times(object.union(_permission, changes), clock.hours(hours)) with input as _now
		with data.weightgate.settings.exceptions.approvers as approvers
}

_reasons(entry, approvers, hours) := reasons if {
	reasons := permissions.reasons(entry, _form, clock.hours(hours), "some hours") with input as _now
		with data.weightgate.settings.exceptions.approvers as approvers
}

_form := {
	"type": "object",
	"additionalProperties": false,
	"required": ["owner", "approver", "created", "expires"],
	"properties": {
		"owner": permissions.person,
		"approver": permissions.person,
		"created": permissions.moment,
		"expires": permissions.moment,
	},
}

test_a_permission_has_its_times if {
	_times({}, [], 4) == {"created": clock.ns("2026-11-23T08:00:00Z"), "expires": clock.ns("2026-11-23T12:00:00Z")}
}

test_it_lasts_at_most_so_long if {
	_times({"expires": "2026-11-23T12:00:00Z"}, [], 4)
	not _times({"expires": "2026-11-23T12:00:01Z"}, [], 4)
	not _times({"expires": "2026-11-23T08:00:00Z"}, [], 4)
	_times({"expires": "2026-11-23T08:00:01Z"}, [], 4)
}

test_it_has_begun if {
	_times({"created": "2026-11-23T10:00:00Z"}, [], 4)
	not _times({"created": "2026-11-23T10:00:01Z"}, [], 4)
}

test_two_persons_give_it if {
	not _times({"approver": "Alice@Example.org"}, [], 4)
	not _times({"approver": "bob@example.org"}, ["carol@example.org"], 4)
	_times({}, ["carol@example.org", "bob@example.org"], 4)
	not _times({}, null, 4)
	not _times({}, "bob@example.org", 4)
}

test_each_fault_has_its_words if {
	_reasons(object.remove(_permission, ["owner"]), [], 4) == {"owner is required"}
	_reasons(object.union(_permission, {"owner": ""}), [], 4) == {sprintf("owner: Does not match pattern '%s'", [permissions.person.pattern])}
	_reasons(object.union(_permission, {"owners": "x"}), [], 4) == {"Additional property owners is not allowed"}
	_reasons(null, [], 4) == {"Invalid type. Expected: object, given: null"}
	_reasons(object.union(_permission, {"approver": "ALICE@example.org"}), [], 4) == {"the owner cannot be the approver"}
	_reasons(_permission, ["carol@example.org"], 4) == {"the approver is none of the environment's approvers"}
	_reasons(_permission, [], 3) == {"it lasts longer than some hours"}
	_reasons(object.union(_permission, {"created": "2026-11-23T10:00:01Z"}), [], 4) == {"it is created in the future"}
	_reasons(object.union(_permission, {"expires": "2026-11-23T08:00:00Z"}), [], 4) == {"it expires before it begins"}
	_reasons(object.union(_permission, {"expires": "2026-11-31T08:00:00Z"}), [], 4) == {"it is not well-formed"}
}

test_faultless_permissions_are_given_no_reason_of_their_own if {
	_reasons(_permission, [], 4) == {"it is not well-formed"}
	_reasons(object.union(_permission, {"created": "2026-11-23T10:00:00Z"}), [], 4) == {"it is not well-formed"}
}

test_entries_of_the_form_are_kept_whatever_lies_beside_them if {
	permissions.formed({}, _form) == {}
	permissions.formed({"a": _permission}, _form) == {"a": _permission}
	permissions.formed({"a": _permission, "b": {}, "c": null}, _form) == {"a": _permission}
	permissions.formed({"b": {}}, _form) == {}
}

_fits(schema, value) if json.match_schema({"value": value}, {"properties": {"value": schema}})[0]

test_a_moment_has_a_zone if {
	every text in ["2026-11-20T00:00:00Z", "2026-11-20T00:00:00.5Z", "2026-11-20T00:00:00.123456789+01:00", "2026-11-20T00:00:00-23:59"] {
		_fits(permissions.moment, text)
		_fits(permissions.moment_or_date, text)
	}
	every text in ["2026-11-20T00:00:00", "2026-11-20T00:00Z", " 2026-11-20T00:00:00Z", "2026-11-20T00:00:00Z ", "2026-11-20T00:00:00.Z", "x2026-11-20", "2026-11-20x", "", null, 7] {
		not _fits(permissions.moment, text)
		not _fits(permissions.moment_or_date, text)
	}
	_fits(permissions.moment_or_date, "2026-11-20")
	not _fits(permissions.moment, "2026-11-20")
}

test_words_persons_and_digests if {
	_fits(permissions.words, "- x -")
	_fits(permissions.words, "ж")
	not _fits(permissions.words, " -_.\n")
	not _fits(permissions.words, 7)
	_fits(permissions.person, "Alice B'Smith@example.org")
	every text in ["alice ", " alice", "a  b", "а", "a\u200bb", "", 7] {
		not _fits(permissions.person, text)
	}
	digest := "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	_fits(permissions.digest, digest)
	every text in [upper(digest), sprintf("%s0", [digest]), sprintf("x%s", [digest]), trim_suffix(digest, "f"), null] {
		not _fits(permissions.digest, text)
	}
}
