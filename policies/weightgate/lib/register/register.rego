# METADATA
# title: Register of exceptions
# description: |
#   What each exception is by itself, whatever the document. It is worked out once an evaluation. Whoever decides many documents
#   can have it prepared: `data.weightgate.lib.prepared.values` gives it by `key`.
package weightgate.lib.register

import data.weightgate.lib.clock
import data.weightgate.lib.permissions
import data.weightgate.lib.prepared

# METADATA
# description: Everything that the register depends on.
key := [data.weightgate.exceptions, data.weightgate.settings, clock.now_ns]

# METADATA
# description: |
#   The exceptions that keep every rule for exceptions (`sound`, with their times in nanoseconds), their ids by the finding or
#   rule that they are about, which of them are `in_force` and which `expired`; and why the others excuse nothing (`rejected`).
entries := found if {
	found := object.get(prepared.values(null), ["exceptions", key], null)
	found != null
} else := worked_out

# METADATA
# description: The entries themselves.
worked_out := {
	"sound": _sound,
	"in_force": object.keys(_sound) - _expired,
	"expired": _expired,
	"rejected": _rejected,
	"by_finding": _by_finding,
	"by_rule": _by_rule,
}

# Only these can excuse anything.
_sound := {id: {"scope": exception.scope, "created": times.created, "expires": times.expires} |
	some id, exception in _formed
	times := permissions.times(exception, _longest_ns)
}

_expired := {id | some id, exception in _sound; exception.expires <= clock.now_ns}

_rejected := {{"id": id, "reason": reason} |
	some id in (object.keys(_given) - object.keys(_sound))
	some reason in permissions.reasons(_given[id], _form, _longest_ns, sprintf("%v days", [_longest_days]))
}

_by_finding[exception.scope.finding] contains id if some id, exception in _sound

_by_rule[exception.scope.rule] contains id if some id, exception in _sound

_longest_ns := clock.days(_longest_days)

default _longest_days := 0

_longest_days := max([days | some days in data.weightgate.settings.exceptions.max_days])

_formed := permissions.formed(_given, _form) if _given != {}

# NOTE: nothing, for a file that is empty or gone.
_given := data.weightgate.exceptions if is_object(data.weightgate.exceptions)

_form := {
	"type": "object",
	"additionalProperties": false,
	"required": ["scope", "reason", "owner", "approver", "ticket", "created", "expires"],
	"properties": {
		"scope": _scope,
		"reason": permissions.words,
		"owner": permissions.person,
		"approver": permissions.person,
		"ticket": permissions.words,
		"created": permissions.moment_or_date,
		"expires": permissions.moment_or_date,
	},
}

# Either {finding}, or {rule} with model or path; each may add {digest}.
_scope := {
	"type": "object",
	"additionalProperties": false,
	"properties": {"finding": _exact, "rule": _exact, "model": _pattern, "path": _pattern, "digest": permissions.digest},
	"anyOf": [{"required": ["finding"]}, {"required": ["rule", "model"]}, {"required": ["rule", "path"]}],
	"dependencies": {"finding": {"properties": {"rule": false, "model": false, "path": false}}},
}

_exact := {"type": "string", "pattern": `^[^*?]*[0-9A-Za-z\x80-\x{10ffff}][^*?]*$`}

# A glob with a letter or digit that whatever it matches must have: outside `[…]`, and in `{…}` in each alternative.
_pattern := {
	"type": "string",
	"pattern": concat("", [`^`, _any, `([0-9A-Za-z\x80-\x{10ffff}]|\{`, _alternative, `(,`, _alternative, `)*\})`, _any, `$`]),
}

_any := `([^\[\]{}\\]|\[[^\[\]{}\\]*\]|\{[^{}\\]*\})*`

_alternative := `[^{},\[\]\\]*[0-9A-Za-z\x80-\x{10ffff}][^{},\[\]\\]*`
