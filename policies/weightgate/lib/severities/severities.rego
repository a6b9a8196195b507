# METADATA
# title: Severities
# description: The words for how bad a finding is, and the one a finding counts as.
package weightgate.lib.severities

# METADATA
# description: Every severity that a finding can count as. Whatever is none of these counts as the highest.
known := {"CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO"}

# METADATA
# description: What a finding counts as when neither its scanner nor the severity map knows.
highest := "CRITICAL"

# METADATA
# description: |
#   The severities that the environment lets pass: those that `fail_on` does not list. The highest is never among them,
#   and without a readable `fail_on` nothing is.
default tolerated := set()

tolerated := {severity | some severity in (known - {highest}); not severity in fail_on} if {
	fail_on := data.weightgate.settings.fail_on
	is_array(fail_on)
}

# METADATA
# description: The severity that a finding counts as; defined for every value, also for one that is no finding.
effective(finding) := finding.severity if {
	finding.severity in known
} else := derived.severity if {
	finding.severity == "UNKNOWN"
	derived := _derived(finding)
	derived.severity in known
} else := highest

# What the severity map says of a finding whose scanner states no severity: by threat code, by the series of the code, and
# where there is no code by rule name and state; the environment's own entries first.
_derived(finding) := entry if {
	entry := _overrides.threats[finding.threat]
} else := entry if {
	entry := _overrides.series[_series(finding.threat)]
} else := entry if {
	entry := _map.threats[finding.threat]
} else := entry if {
	entry := _map.series[_series(finding.threat)]
} else := entry if {
	object.get(finding, "threat", null) == null
	entry := _overrides.rules[finding.rule][_state(finding)]
} else := entry if {
	object.get(finding, "threat", null) == null
	entry := _map.rules[finding.rule][_state(finding)]
}

_map := data.weightgate.severity_map

_overrides := data.weightgate.settings.severity_map

default _state(_) := "BLOCKING"

_state(finding) := "ALLOWING" if finding.enforcement == "ALLOWING"

# "1" of "PAIT-PKL-100"; nothing for another shape of code.
_series(threat) := series if {
	is_string(threat)
	regex.match(`^PAIT-[A-Z0-9]+-[1-9][0-9]{2}$`, threat)
	parts := split(threat, "-")
	series := substring(parts[2], 0, 1)
}
