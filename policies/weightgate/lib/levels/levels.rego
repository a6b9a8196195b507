# METADATA
# title: Levels
# description: What an environment makes of a rule, a refusal, a warning or nothing.
package weightgate.lib.levels

import data.weightgate.lib.clock

# METADATA
# description: The rules that no setting can weaken.
floors := {"document.valid", "settings.valid", "outcome.safe", "severity.threshold"}

# METADATA
# description: |
#   `deny`, `warn` or `off`. What the environment does not say, or not in these words, is `deny`. Until its `effective_on` a
#   rule that denies only warns.
default of(_) := "deny"

of(rule) := level if {
	level := data.weightgate.settings.rules[rule].level
	level in {"warn", "off"}
	not rule in floors
}

of(rule) := "warn" if {
	data.weightgate.settings.rules[rule].level == "deny"
	clock.now_ns < clock.ns(data.weightgate.settings.rules[rule].effective_on)
	not rule in floors
}

# METADATA
# description: Whether an environment switched a rule off, so that nobody need work out what it would say.
off(rule) if {
	data.weightgate.settings.rules[rule].level == "off"
	not rule in floors
}
