# METADATA
# title: Exceptions
# description: |
#   Reviewed, dated permissions for named findings. What an exception is by itself is worked out once an evaluation, for all
#   of them at a time; a finding costs a few look-ups.
package weightgate.lib.exceptions

import data.weightgate.lib.clock

# METADATA
# description: The identifiers of the exceptions that reached their expiry.
expired := {id | some id, exception in _sound; exception.expires <= clock.now_ns}

# METADATA
# description: The identifiers of the exceptions in force.
in_force := object.keys(_sound) - expired

# METADATA
# description: Why an exception excuses nothing, for each one that is not well-formed or breaks the environment's limits.
rejected := {{"id": id, "reason": reason} |
	some id in (object.keys(data.weightgate.exceptions) - object.keys(_sound))
	some reason in _reasons(data.weightgate.exceptions[id])
}

# METADATA
# description: |
#   The identifiers of the exceptions, in force or expired, that are about a finding, by the finding's place in the input.
#   Findings that no exception is about are left out.
covering := {index: ids |
	_here != {}
	some index, finding in input.findings
	ids := union({
		object.get(_by_finding, object.get(finding, "id", ""), set()),
		object.get(_by_rule, object.get(finding, "rule", ""), set()),
		object.get(_by_path, [[object.get(finding, "rule", ""), object.get(finding, "path", null)]], set()),
	})
	ids != set()
}

# METADATA
# description: Whether an exception is in force and may excuse this finding, which counts as `severity`, in this environment.
excuses(id, severity, finding) if {
	id in in_force
	is_array(_limits.never)
	not severity in _limits.never
	not _never_excused(object.get(finding, "rule", null), object.get(finding, "threat", null))
	_sound[id].expires - _sound[id].created <= clock.days(_limits.max_days[severity])
}

# METADATA
# description: Why an exception that is about a finding does not excuse it.
refusal(id, _, _) := sprintf("exception %s expired at %s", [id, expires(id)]) if id in expired

refusal(id, severity, finding) := sprintf("exception %s cannot excuse %s here, or not this rule, or not for so long", [id, severity]) if {
	id in in_force
	not excuses(id, severity, finding)
}

# METADATA
# description: Whether an exception ends within the environment's `warn_days`.
expiring(id) if _sound[id].expires < clock.now_ns + clock.days(_limits.warn_days)

# METADATA
# description: The last moment of an exception, as the policy tree writes it.
expires(id) := data.weightgate.exceptions[id].expires

# METADATA
# description: The last moment of a sound exception in nanoseconds.
expires_ns(id) := _sound[id].expires

_limits := data.weightgate.settings.exceptions

# Scanners' rules and threat codes that the environment never excuses.
_never_excused(rule, threat) if {
	some name in _limits.never_rules
	name in {rule, threat}
}

# --- an exception alone ----------------------------------------------------------------------------------------------

# The exceptions that keep every rule for exceptions. Only these can excuse anything.
_sound := {id: {"scope": exception.scope, "created": created, "expires": expires} |
	some id, exception in _formed
	lower(exception.owner) != lower(exception.approver)
	_may_approve(exception.approver)
	created := clock.ns(exception.created)
	expires := clock.ns(exception.expires)
	created <= clock.now_ns
	created < expires
	expires - created <= _longest_ns
}

_may_approve(_) if _limits.approvers == []

_may_approve(person) if person in _limits.approvers

_longest_ns := clock.days(_longest_days)

_longest_days := max([days | some days in _limits.max_days])

# NOTE: one match of all of them costs a twentieth of one match each, which is done only when one of them has a fault.
_formed := {} if {
	data.weightgate.exceptions == {}
} else := data.weightgate.exceptions if {
	json.match_schema(data.weightgate.exceptions, {"type": "object", "additionalProperties": _form})[0]
} else := {id: exception |
	some id, exception in data.weightgate.exceptions
	_faults(exception) == []
}

_faults(exception) := json.match_schema({"exception": exception}, {"properties": {"exception": _form}})[1]

_form := {
	"type": "object",
	"additionalProperties": false,
	"required": ["scope", "reason", "owner", "approver", "ticket", "created", "expires"],
	"properties": {
		"scope": _scope,
		"reason": _words,
		"owner": _person,
		"approver": _person,
		"ticket": _words,
		"created": _time,
		"expires": _time,
	},
}

# Either {finding}, or {rule} with model or path; each may add {digest}.
_scope := {
	"type": "object",
	"additionalProperties": false,
	"properties": {"finding": _exact, "rule": _exact, "model": _pattern, "path": _pattern, "digest": _digest},
	"anyOf": [{"required": ["finding"]}, {"required": ["rule", "model"]}, {"required": ["rule", "path"]}],
	"dependencies": {"finding": {"properties": {"rule": false, "model": false, "path": false}}},
}

_digest := {"type": "string", "pattern": `^sha256:[0-9a-f]{64}$`}

# NOTE: classes such as \pL would make these matches several times as slow.
_words := {"type": "string", "pattern": `[0-9A-Za-z\x80-\x{10ffff}]`}

_exact := {"type": "string", "pattern": `^[^*?]*[0-9A-Za-z\x80-\x{10ffff}][^*?]*$`}

# An address or account. Characters that look like none, or like another one, would make two names of one person.
_person := {"type": "string", "pattern": `^[0-9A-Za-z@._+'/:-]+( [0-9A-Za-z@._+'/:-]+)*$`}

_time := {"type": "string", "pattern": `^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d))?$`}

# A glob with a letter or digit that whatever it matches must have: outside `[…]`, and in `{…}` in each alternative.
_pattern := {
	"type": "string",
	"pattern": concat("", [`^`, _any, `([0-9A-Za-z\x80-\x{10ffff}]|\{`, _alternative, `(,`, _alternative, `)*\})`, _any, `$`]),
}

_any := `([^\[\]{}\\]|\[[^\[\]{}\\]*\]|\{[^{}\\]*\})*`

_alternative := `[^{},\[\]\\]*[0-9A-Za-z\x80-\x{10ffff}][^{},\[\]\\]*`

# NOTE: this only explains. Whether an exception is sound is decided above, and nowhere else.
_reasons(exception) := reasons if {
	faults := _faults(exception)
	faults != []
	reasons := {sprintf("%s: %s", [trim_prefix(fault.field, "exception."), fault.desc]) | some fault in faults}
} else := reasons if {
	created := clock.ns(exception.created)
	expires := clock.ns(exception.expires)
	reasons := union({
		{"the approver is none of the environment's approvers" | not _may_approve(exception.approver)},
		{"the owner cannot be the approver" | lower(exception.owner) == lower(exception.approver)},
		{sprintf("it lasts longer than %v days", [_longest_days]) | expires - created > _longest_ns},
		{"it is created in the future" | created > clock.now_ns},
		{"it expires before it begins" | expires <= created},
	})
	count(reasons) > 0
} else := {"it is not well-formed"}

# --- an exception and this model -------------------------------------------------------------------------------------

# The scopes that are about this model and a finding's id or rule, of exceptions in force or expired.
_here := {id: scope |
	some id, scope in object.union(
		{id: exception.scope | some id, exception in _sound; exception.scope.finding in _finding_ids},
		{id: exception.scope | some id, exception in _sound; exception.scope.rule in _finding_rules},
	)
	_digest_matches(scope)
	_uri_matches(scope)
}

_finding_ids := {finding.id | some finding in input.findings}

_finding_rules := {finding.rule | some finding in input.findings}

_digest_matches(scope) if not "digest" in object.keys(scope)

_digest_matches(scope) if scope.digest == input.model.digest

_uri_matches(scope) if not "model" in object.keys(scope)

_uri_matches(scope) if glob.match(scope.model, ["/"], input.model.uri)

# --- an exception and a finding: look-ups ----------------------------------------------------------------------------

_ids.finding[scope.finding] contains id if some id, scope in _here

_ids.rule[scope.rule] contains id if {
	some id, scope in _here
	not "path" in object.keys(scope)
}

_ids.path[[scope.rule, scope.path]] contains id if {
	some id, scope in _here
	not _patterns[id]
}

_ids.path[[scope.rule, path]] contains id if {
	some id, scope in _patterns
	some path in _likely[scope.rule]
	glob.match(scope.path, ["/"], path)
}

# NOTE: whole objects, because those are worked out once; a partial rule that is asked key by key is worked out per key.
_by_finding := {key: ids | some key, ids in _ids.finding}

_by_rule := {key: ids | some key, ids in _ids.rule}

_by_path := {key: ids | some key, ids in _ids.path}

_patterns := {id: scope | some id, scope in _here; regex.match(`[*?\[{]`, scope.path)}

# The paths that each rule found something in, those left out that no pattern for the rule can fit: one match tells.
_likely := {rule: likely |
	some rule, paths in {rule: paths | some rule, paths in _paths}
	pattern := _any_pattern[rule]
	likely := {path | some path in paths; glob.match(pattern, ["/"], path)}
}

_paths[finding.rule] contains finding.path if {
	_patterns != {}
	some finding in input.findings
	is_string(finding.path)
	finding.rule in _pattern_rules
}

_pattern_rules := {scope.rule | some scope in _patterns}

_any_pattern := {rule: _either({scope.path | some scope in _patterns; scope.rule == rule}) | some rule in _pattern_rules}

# One glob for several; those in which a comma stands are not put together.
_either(patterns) := "**" if {
	some pattern in patterns
	regex.match(`[,{]`, pattern)
} else := sprintf("{%s}", [concat(",", patterns)])
