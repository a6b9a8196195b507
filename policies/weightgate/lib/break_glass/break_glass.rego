# METADATA
# title: Break-glass
# description: |
#   Emergency permissions. For some hours, two persons let one model into one environment although named rules refuse it. A grant
#   speaks to what was found, never to what nobody looked at.
package weightgate.lib.break_glass

import data.weightgate.lib.clock
import data.weightgate.lib.exceptions
import data.weightgate.lib.permissions

# METADATA
# description: The identifiers of the grants that reached their expiry.
expired := {id | some id, grant in _sound; grant.expires <= clock.now_ns}

# METADATA
# description: The identifiers of the grants in force, for this model or another one.
in_force := object.keys(_sound) - expired

# METADATA
# description: Why a grant lets nothing pass, for each one that is not well-formed or breaks the environment's limits.
rejected := {{"id": id, "reason": reason} |
	some id in (object.keys(_given) - object.keys(_sound))
	some reason in (permissions.reasons(_given[id], _form, _longest_ns, sprintf("%v hours", [_max_hours])) | _more_reasons(id))
}

# METADATA
# description: Whether a grant in force is about this model, so that nobody need ask for each violation when none is.
concerned if count(_here) > 0

# METADATA
# description: The identifiers of the grants in force that let this violation pass, for this model.
covering(violation) := {id |
	some id, rules in _here
	violation.rule in rules
	exceptions.excusable(violation.severity)
	not violation.finding in _never_excused
}

# METADATA
# description: What a grant that is used says, in the words of a warning.
used(id, violation) := sprintf("BREAK-GLASS %s overrides %s until %s (%s, approved by %s, %s): %s", [
	id,
	violation.rule,
	_given[id].expires,
	_given[id].owner,
	_given[id].approver,
	_given[id].ticket,
	violation.msg,
])

# METADATA
# description: The last moment of a grant, as the policy tree writes it.
expires(id) := _given[id].expires

# METADATA
# description: |
#   The rules of the library that a grant may override, beside the `local.…` rules of an environment. Those that say that the
#   evidence, the document or the settings are not what they should be are not among them.
overridable := {
	"model.formats",
	"model.licence",
	"model.pinned_revision",
	"model.source",
	"severity.budget",
	"severity.threshold",
	"threats.forbidden",
}

# NOTE: nothing, for a file that is empty or gone.
_given := data.weightgate.break_glass if is_object(data.weightgate.break_glass)

_limits := data.weightgate.settings.break_glass

# NOTE: a day at most, whatever the settings say, and nothing without them.
default _max_hours := 0

_max_hours := min([_limits.max_hours, 24]) if is_number(_limits.max_hours)

_longest_ns := clock.hours(_max_hours)

_sound := {id: {"digest": grant.digest, "rules": grant.rules, "expires": times.expires} |
	some id, grant in _formed
	not id in _taken
	every rule in grant.rules {
		_may_override(rule)
	}
	times := permissions.times(grant, _longest_ns)
}

_formed := permissions.formed(_given, _form) if _given != {}

# A grant with the identifier of an exception lets nothing pass, since nobody could tell which of the two is meant.
_taken := object.keys(data.weightgate.exceptions)

_may_override(rule) if {
	_named_as_overridable(rule)
	is_array(_limits.never_override)
	not rule in _limits.never_override
}

_named_as_overridable(rule) if rule in overridable

_named_as_overridable(rule) if startswith(rule, "local.")

_more_reasons(id) := union({
	{"an exception has the same id" | id in _taken},
	{"this environment takes no break-glass grants" | _max_hours == 0},
	{msg |
		some rule in _given[id].rules
		not _may_override(rule)
		msg := sprintf("%v can never be overridden here", [rule])
	},
})

_form := {
	"type": "object",
	"additionalProperties": false,
	"required": ["digest", "rules", "reason", "owner", "approver", "ticket", "created", "expires"],
	"properties": {
		"digest": permissions.digest,
		"rules": {"type": "array", "minItems": 1, "items": {"type": "string"}},
		"reason": permissions.words,
		"owner": permissions.person,
		"approver": permissions.person,
		"ticket": permissions.words,
		"created": permissions.moment,
		"expires": permissions.moment,
	},
}

# The rules that grants in force override for this model.
_here := {id: grant.rules |
	some id, grant in _sound
	id in in_force
	grant.digest == input.model.digest
}

_never_excused := {finding.id |
	some finding in input.findings
	exceptions.never_excused(finding)
}
