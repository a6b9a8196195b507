# METADATA
# title: Exceptions
# description: |
#   Reviewed, dated permissions for named findings. What an exception is by itself stands in the register; a finding costs a few
#   look-ups.
package weightgate.lib.exceptions

import data.weightgate.lib.clock
import data.weightgate.lib.register

# METADATA
# description: The identifiers of the exceptions that reached their expiry.
expired := register.entries.expired

# METADATA
# description: The identifiers of the exceptions in force.
in_force := register.entries.in_force

# METADATA
# description: Why an exception excuses nothing, for each one that is not well-formed or breaks the environment's limits.
rejected := register.entries.rejected

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
	excusable(severity)
	not never_excused(finding)
	_sound[id].expires - _sound[id].created <= clock.days(_limits.max_days[severity])
}

# METADATA
# description: Whether the environment lets anything excuse what counts as this severity.
excusable(severity) if {
	is_array(_limits.never)
	not severity in _limits.never
}

# METADATA
# description: Whether the finding is of a scanner's rule, or about a threat, that the environment never excuses.
never_excused(finding) if {
	some name in _limits.never_rules
	name in {object.get(finding, "rule", null), object.get(finding, "threat", null)}
}

# METADATA
# description: Why an exception that is about a finding does not excuse it.
refusal(id, severity, finding) := sprintf("exception %s expired at %s", [id, expires(id)]) if {
	id in expired
} else := sprintf("exception %s cannot excuse %s: this environment lets nothing excuse it", [id, severity]) if {
	not excusable(severity)
} else := sprintf("exception %s cannot excuse this rule or threat: this environment lets nothing excuse it", [id]) if {
	never_excused(finding)
} else := sprintf("exception %s lasts longer than the %v days for which %s may be excused here", [id, days, severity]) if {
	not excuses(id, severity, finding)
	days := object.get(_limits.max_days, severity, 0)
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

_sound := register.entries.sound

# --- an exception and this model -------------------------------------------------------------------------------------

# The scopes that are about this model and a finding's id or rule, of exceptions in force or expired.
_here := {id: scope |
	some id in (_named_by_finding | _named_by_rule)
	scope := _sound[id].scope
	_digest_matches(scope)
	_uri_matches(scope)
}

_named_by_finding := union({ids | some finding in input.findings; ids := register.entries.by_finding[finding.id]})

_named_by_rule := union({ids | some finding in input.findings; ids := register.entries.by_rule[finding.rule]})

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
