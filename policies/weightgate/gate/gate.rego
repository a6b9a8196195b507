# METADATA
# title: Gate
# description: |
#   Puts the rules together into one decision about one document. An environment evaluates `decision` with its own
#   `data.weightgate.environment`, `.settings`, `.exceptions` and `.break_glass`.
package weightgate.gate

import data.weightgate.lib.break_glass
import data.weightgate.lib.clock
import data.weightgate.lib.exceptions
import data.weightgate.lib.levels
import data.weightgate.rules.budget
import data.weightgate.rules.corroboration
import data.weightgate.rules.coverage
import data.weightgate.rules.digest
import data.weightgate.rules.document
import data.weightgate.rules.file_digests
import data.weightgate.rules.formats
import data.weightgate.rules.freshness
import data.weightgate.rules.licence
import data.weightgate.rules.outcome
import data.weightgate.rules.revision
import data.weightgate.rules.scanners
import data.weightgate.rules.settings
import data.weightgate.rules.severity
import data.weightgate.rules.source
import data.weightgate.rules.threats
import data.weightgate.rules.versions

# METADATA
# description: |
#   The whole decision, without what only the caller knows (the policy's digest, the engine). Undefined when any part of it
#   is, which every caller must take as a refusal.
# entrypoint: true
decision := {
	"schema": "weightgate.decision/v1",
	"environment": data.weightgate.environment,
	"allow": verdict == "allow",
	"verdict": verdict,
	"evaluated_at": clock.now,
	"model": {
		"uri": object.get(input, ["model", "uri"], "unknown"),
		"digest": object.get(input, ["model", "digest"], null),
	},
	"violations": sort(_refused | _unproven),
	"warnings": sort(warnings),
	"counts": severity.counts,
	"exceptions": {
		"applied": sort(_applied | _overridden_findings),
		"expired": sort(exceptions.expired | break_glass.expired),
		"unused": sort((exceptions.in_force | break_glass.in_force) - _used),
		"rejected": sort(exceptions.rejected | break_glass.rejected),
	},
	"input_digest": sprintf("sha256:%s", [crypto.sha256(json.marshal(object.remove(input, ["context"])))]),
}

# METADATA
# description: The decision in one word. A judged fault outweighs missing evidence, and both refuse.
default verdict := "deny"

verdict := "indeterminate" if {
	count(_refused) == 0
	count(_unproven) > 0
}

verdict := "allow" if {
	count(_refused) == 0
	count(_unproven) == 0
}

# METADATA
# description: What the environment wants to be told without refusing.
# scope: document
warnings contains violation if {
	some violation in (_adjustable | _adjustable_evidence)
	levels.of(violation.rule) == "warn"
}

warnings contains warning if {
	some violation, ids in _overridden
	some id in ids
	warning := object.union(violation, {"rule": "break_glass.used", "msg": break_glass.used(id, violation)})
}

warnings contains {"rule": "exceptions.expiring", "msg": msg, "finding": applied.finding, "severity": null, "path": null} if {
	some applied in _applied
	exceptions.expiring(applied.id)
	msg := sprintf("exception %s excuses this finding only until %s", [applied.id, applied.expires])
}

warnings contains {"rule": "exceptions.broad", "msg": msg, "finding": null, "severity": null, "path": null} if {
	some id, findings in _excused_by
	count(findings) > _broad
	msg := sprintf("exception %s excuses %d findings of this model; narrow its scope", [id, count(findings)])
}

warnings contains {"rule": "exceptions.shadowed", "msg": msg, "finding": null, "severity": null, "path": null} if {
	some id, findings in _excused_by
	some other in _excusing[min(findings)]
	findings - _excused_by[other] == set()
	[exceptions.expires_ns(other), other] > [exceptions.expires_ns(id), id]
	msg := sprintf("exception %s excuses nothing that exception %s does not excuse for as long", [id, other])
}

# METADATA
# description: Every rule of the library. An environment's settings may name these and its own `local.…` rules.
rule_ids := levels.floors | {
	"coverage.complete",
	"model.digest",
	"model.file_digests",
	"model.formats",
	"model.licence",
	"model.pinned_revision",
	"model.source",
	"scanners.corroborated",
	"scanners.minimum_version",
	"scanners.required",
	"scans.fresh",
	"severity.budget",
	"threats.forbidden",
}

# NOTE: unions of named sets, not a walk over data.weightgate.rules: a rule package that was renamed or lost its `deny` makes
# the whole decision undefined, which is an error, where a walk would leave the rule out in silence.
_refused := union({document.deny, outcome.deny, settings.deny, _overridable - object.keys(_overridden)})

_overridable := severity.deny | _denied(_adjustable)

_unproven := union({outcome.undecided, _denied(_adjustable_evidence)})

_adjustable := union({budget.deny, formats.deny, licence.deny, revision.deny, source.deny, threats.deny, _own})

_adjustable_evidence := union({
	corroboration.undecided,
	coverage.undecided,
	digest.undecided,
	file_digests.undecided,
	formats.undecided,
	freshness.undecided,
	licence.undecided,
	scanners.undecided,
	versions.undecided,
})

_denied(violations) := {violation | some violation in violations; levels.of(violation.rule) == "deny"}

_applied := {{"id": id, "finding": input.findings[index].id, "expires": exceptions.expires(id)} |
	some excused in [severity.excused, threats.excused]
	some index, ids in excused
	some id in ids
}

# What break-glass grants let pass, with the grants.
_overridden := {violation: ids |
	break_glass.concerned
	some violation in _overridable
	ids := break_glass.covering(violation)
	ids != set()
}

_overridden_findings := {{"id": id, "finding": violation.finding, "expires": break_glass.expires(id)} |
	some violation, ids in _overridden
	violation.finding != null
	some id in ids
}

_used := {applied.id | some applied in _applied} | union({ids | some ids in _overridden})

# So many findings of one model are seldom one false positive.
_broad := 20

# NOTE: whole objects, because those are worked out once; a partial rule that is asked key by key is worked out per key.
_excused_by := {id: findings | some id, findings in _findings_of}

_excusing := {finding: ids | some finding, ids in _ids_of}

_findings_of[applied.id] contains applied.finding if some applied in _applied

_ids_of[applied.finding] contains applied.id if some applied in _applied

# Rules that only one environment has: it evaluates the decision `with data.weightgate.own as …`, a set of violations.
# Whatever else stands there refuses, so that a rule that is written in another way is not lost.
default _own := set()

_own := {_local(violation) | some violation in data.weightgate.own} if is_set(data.weightgate.own)

_own := {_local(data.weightgate.own)} if not is_set(data.weightgate.own)

_local(violation) := object.union(_unnamed, violation) if {
	is_string(violation.msg)
	startswith(violation.rule, "local.")
} else := object.union(_unnamed, {"msg": sprintf("a rule of this environment gave %v; expected rule local.… and msg", [violation])})

_unnamed := {"rule": "local.unnamed", "finding": null, "severity": null, "path": null}
