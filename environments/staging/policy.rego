# METADATA
# title: Environment staging
# description: The library's rules with the settings, exceptions and break-glass grants of staging.
package environments.staging

import data.weightgate.gate

# METADATA
# description: The decision about the findings document in `input`.
# entrypoint: true
decision := answer if {
	answer := gate.decision with data.weightgate.environment as "staging"
		with data.weightgate.settings as data.staging.settings
		with data.weightgate.exceptions as object.get(data.staging, "exceptions", {})
		with data.weightgate.break_glass as object.get(data.staging, "break_glass", {})
}

# METADATA
# description: Why the model is refused.
deny contains violation if some violation in decision.violations

deny contains {"rule": "decision.missing", "msg": "the policy gave no decision about this input"} if not decision.verdict

# METADATA
# description: What does not refuse the model here.
warn contains warning if some warning in decision.warnings
