# METADATA
# title: Permissions
# description: |
#   What an exception and a break-glass grant have in common. Two persons give it for a reason, and it ends.
package weightgate.lib.permissions

import data.weightgate.lib.clock

# METADATA
# description: |
#   The entries, by id, that have this form (a JSON Schema). One match of all of them costs a twentieth of one match each,
#   which is done only when one of them has a fault.
formed(entries, form) := entries if {
	json.match_schema(entries, {"type": "object", "additionalProperties": form})[0]
} else := {id: entry |
	some id, entry in entries
	faults(entry, form) == []
}

# METADATA
# description: What an entry lacks to have this form, as JSON Schema faults.
faults(entry, form) := json.match_schema({"entry": entry}, {"properties": {"entry": form}})[1]

# METADATA
# description: |
#   When a permission begins and ends, in nanoseconds. Undefined for one that lasts longer than `longest`, has not begun,
#   or was not given by two persons.
times(permission, longest) := {"created": created, "expires": expires} if {
	lower(permission.owner) != lower(permission.approver)
	_may_approve(permission.approver)
	created := clock.ns(permission.created)
	expires := clock.ns(permission.expires)
	created <= clock.now_ns
	created < expires
	expires - created <= longest
}

# METADATA
# description: |
#   Why an entry excuses nothing, in words; `limit` says in words what `longest` is. This only explains: whether it is sound, `formed`
#   and `times` decide.
reasons(entry, form, longest, limit) := {_told(fault) | some fault in found} if {
	found := faults(entry, form)
	found != []
} else := told if {
	created := clock.ns(entry.created)
	expires := clock.ns(entry.expires)
	told := union({
		{"the approver is none of the environment's approvers" | not _may_approve(entry.approver)},
		{"the owner cannot be the approver" | lower(entry.owner) == lower(entry.approver)},
		{sprintf("it lasts longer than %s", [limit]) | expires - created > longest},
		{"it is created in the future" | created > clock.now_ns},
		{"it expires before it begins" | expires <= created},
	})
	count(told) > 0
} else := {"it is not well-formed"}

_told(fault) := fault.desc if {
	fault.field == "entry"
} else := sprintf("%s: %s", [trim_prefix(fault.field, "entry."), fault.desc])

_may_approve(_) if data.weightgate.settings.exceptions.approvers == []

_may_approve(person) if person in data.weightgate.settings.exceptions.approvers

# --- forms of values, as JSON Schema ---------------------------------------------------------------------------------

# METADATA
# description: Text with a letter or digit. (Classes such as \pL would make a match several times as slow.)
words := {"type": "string", "pattern": `[0-9A-Za-z\x80-\x{10ffff}]`}

# METADATA
# description: An address or account. Characters that look like none, or like another one, would make two names of one person.
person := {"type": "string", "pattern": `^[0-9A-Za-z@._+'/:-]+( [0-9A-Za-z@._+'/:-]+)*$`}

# METADATA
# description: The digest of a model.
digest := {"type": "string", "pattern": `^sha256:[0-9a-f]{64}$`}

# METADATA
# description: A time with its zone.
moment := {"type": "string", "pattern": `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$`}

# METADATA
# description: A time with its zone, or a date.
moment_or_date := {"type": "string", "pattern": `^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d))?$`}
