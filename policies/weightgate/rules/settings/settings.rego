# METADATA
# title: Known settings
# description: |
#   The environment's settings hold only keys and words that the rules know, each of the right kind. A misspelt setting
#   is a refusal and not a setting that is ignored.
# custom:
#   rule_id: settings.valid
#   break_glass: never
#   remediation: Correct environments/<environment>/data.yaml; `weightgate check` names the line.
package weightgate.rules.settings

import data.weightgate.lib.levels
import data.weightgate.lib.prepared
import data.weightgate.lib.severities

# METADATA
# description: What is wrong with the settings, one violation each.
# scope: document
deny contains violation if some violation in _found

# METADATA
# description: |
#   Everything that the faults depend on. They are the same for every document, so whoever decides many can have them prepared:
#   `data.weightgate.lib.prepared.values` gives them by this key.
key := [data.weightgate.settings, data.weightgate.severity_map]

_found := found if {
	found := object.get(prepared.values(null), ["settings", key], null)
	found != null
} else := faults

# METADATA
# description: The faults themselves.
# scope: document
faults contains _violation(sprintf("the setting %s is missing", [concat(".", path)])) if {
	some path in _mandatory
	object.get(data.weightgate.settings, path, null) == null
}

faults contains _violation(sprintf("unknown setting %s", [concat(".", array.concat(path, [key]))])) if {
	some path, keys in _keys
	some key in (object.keys(object.get(data.weightgate.settings, path, {})) - keys)
}

faults contains _violation(sprintf("%s must be a list", [concat(".", path)])) if {
	some path in _lists
	not is_array(object.get(data.weightgate.settings, path, []))
}

faults contains _violation(sprintf("fail_on holds %v, which is no severity", [word])) if {
	some word in data.weightgate.settings.fail_on
	not word in (severities.known | {"UNKNOWN"})
}

faults contains _violation(sprintf("fail_on must hold %s", [severities.highest])) if {
	not severities.highest in data.weightgate.settings.fail_on
}

faults contains _violation(sprintf("exceptions.never holds %v, which is no severity", [word])) if {
	some word in data.weightgate.settings.exceptions.never
	not word in severities.known
}

faults contains _violation("exceptions.max_days must say a number of days for each severity") if not _days

faults contains _violation(sprintf("break_glass.never_override holds %v, which is no rule", [rule])) if {
	some rule in data.weightgate.settings.break_glass.never_override
	not _is_rule(rule)
}

faults contains _violation("break_glass must say max_hours, at most 24, and a list never_override") if not _hours

faults contains _violation("coverage.scanners must be lists of scanners, one of them named default") if not _scanner_lists

faults contains _violation(sprintf("the rule %s does not exist", [rule])) if {
	some rule, _ in data.weightgate.settings.rules
	not _is_rule(rule)
}

faults contains _violation(sprintf("the rule %s must be deny, warn or off", [rule])) if {
	some rule, setting in data.weightgate.settings.rules
	level := object.get(setting, "level", null)
	not level in {"deny", "warn", "off"}
}

faults contains _violation(sprintf("the rule %s cannot be weakened", [rule])) if {
	some rule, setting in data.weightgate.settings.rules
	rule in levels.floors
	setting != {"level": "deny"}
}

faults contains _violation(sprintf("the rule %s has the unknown setting %s", [rule, key])) if {
	some rule, setting in data.weightgate.settings.rules
	not startswith(rule, "local.")
	some key in (object.keys(setting) - ({"level", "effective_on"} | object.get(_parameters, rule, set())))
}

faults contains _violation(sprintf("the severity map gives %v the severity %v, which does not exist", [name, severity])) if {
	some map in _severity_maps
	some kind in ["threats", "series"]
	some name, entry in map[kind]
	severity := object.get(entry, "severity", null)
	not severity in severities.known
}

faults contains _violation(sprintf("the severity map gives %v the severity %v, which does not exist", [name, severity])) if {
	some map in _severity_maps
	some name, states in map.rules
	some entry in states
	severity := object.get(entry, "severity", null)
	not severity in severities.known
}

_mandatory := [
	["fail_on"],
	["rules"],
	["scanners", "required"],
	["coverage", "scanners"],
	["coverage", "data_formats"],
	["exceptions", "max_days"],
	["exceptions", "never"],
	["exceptions", "approvers"],
	["exceptions", "warn_days"],
]

_keys := {
	[]: {"description", "stricter_than", "fail_on", "rules", "scanners", "coverage", "exceptions", "break_glass", "severity_map"},
	["scanners"]: {"required", "prisma-airs"},
	["scanners", "prisma-airs"]: {"security_group_id"},
	["coverage"]: {"scanners", "data_formats"},
	["exceptions"]: {"max_days", "never", "never_rules", "approvers", "warn_days"},
	["break_glass"]: {"max_hours", "never_override"},
	["severity_map"]: {"threats", "series", "rules"},
}

_lists := [["fail_on"], ["scanners", "required"], ["coverage", "data_formats"], ["exceptions", "never"], ["exceptions", "never_rules"], ["exceptions", "approvers"]]

# What a rule needs to be told beside its level.
_parameters := {
	"severity.budget": {"at_most"},
	"scans.fresh": {"max_hours"},
	"scanners.minimum_version": {"minimum"},
	"scanners.corroborated": {"at_least"},
	"threats.forbidden": {"kinds"},
	"model.source": {"sources", "hosts", "organizations", "denied_models"},
	"model.formats": {"allowed"},
	"model.licence": {"judged_by"},
}

_is_rule(rule) if rule in data.weightgate.gate.rule_ids

_is_rule(rule) if startswith(rule, "local.")

_days if {
	object.keys(data.weightgate.settings.exceptions.max_days) == severities.known
	every days in data.weightgate.settings.exceptions.max_days {
		is_number(days)
		days >= 0
	}
}

_hours if not "break_glass" in object.keys(data.weightgate.settings)

_hours if {
	# NOTE: only numbers lie between two numbers.
	data.weightgate.settings.break_glass.max_hours >= 0
	data.weightgate.settings.break_glass.max_hours <= 24
	is_array(data.weightgate.settings.break_glass.never_override)
}

_scanner_lists if {
	is_array(data.weightgate.settings.coverage.scanners["default"])
	every scanners in data.weightgate.settings.coverage.scanners {
		is_array(scanners)
	}
}

_severity_maps := [data.weightgate.severity_map, object.get(data.weightgate.settings, "severity_map", {})]

_violation(msg) := {"rule": "settings.valid", "msg": msg, "finding": null, "severity": null, "path": null}
