package weightgate.rules.settings_test

import data.weightgate.lib.fixtures_test as fixtures
import data.weightgate.rules.settings

_refused(msg) := {fixtures.violation("settings.valid", msg)}

_deny(changes) := result if {
	result := settings.deny with data.weightgate.settings as fixtures.changed(fixtures.settings, changes)
}

_exceptions(changes) := {"exceptions": fixtures.changed(fixtures.settings.exceptions, changes)}

_coverage(changes) := {"coverage": fixtures.changed(fixtures.settings.coverage, changes)}

test_known_settings_may_pass if {
	_deny({}) == set()
	_deny({
		"description": "x",
		"stricter_than": "dev",
		"fail_on": ["CRITICAL", "UNKNOWN"],
		"scanners": {"required": ["prisma-airs"], "prisma-airs": {"security_group_id": "x"}},
		"rules": {
			"coverage.complete": {"level": "warn"},
			"model.digest": {"level": "deny", "effective_on": "2027-01-01"},
			"severity.threshold": {"level": "deny"},
			"local.anything": {"level": "off"},
		},
		"severity_map": {"threats": {"X": {"severity": "LOW", "reason": "x"}}, "series": {}, "rules": {}},
	}) == set()
}

test_every_setting_is_needed if {
	every key in ["fail_on", "rules"] {
		sprintf("the setting %s is missing", [key]) in {violation.msg | some violation in _deny({key: null})}
	}
	every path in [
		["scanners", "required"],
		["coverage", "scanners"],
		["coverage", "data_formats"],
		["exceptions", "max_days"],
		["exceptions", "never"],
		["exceptions", "approvers"],
		["exceptions", "warn_days"],
	] {
		section := object.remove(fixtures.settings[path[0]], [path[1]])
		sprintf("the setting %s is missing", [concat(".", path)]) in {violation.msg | some violation in _deny({path[0]: section})}
	}
}

test_no_settings_at_all_are_refused if {
	every nothing in [{}, null, []] {
		result := settings.deny with data.weightgate.settings as nothing
		count(result) > 0
	}
}

test_a_misspelt_setting_is_refused if {
	_deny({"fail_onn": []}) == _refused("unknown setting fail_onn")
	_deny(_exceptions({"nevr": []})) == _refused("unknown setting exceptions.nevr")
	_deny(_coverage({"format": []})) == _refused("unknown setting coverage.format")
	_deny({"scanners": {"required": [], "prisma": {}}}) == _refused("unknown setting scanners.prisma")
	_deny({"scanners": {"required": [], "prisma-airs": {"group": "x"}}}) == _refused("unknown setting scanners.prisma-airs.group")
	_deny({"severity_map": {"threat": {}}}) == _refused("unknown setting severity_map.threat")
}

test_a_list_must_be_a_list if {
	"fail_on must be a list" in {violation.msg | some violation in _deny({"fail_on": "CRITICAL"})}
	every key in ["approvers", "never", "never_rules"] {
		_deny(_exceptions({key: "bob"})) == _refused(sprintf("exceptions.%s must be a list", [key]))
	}
	_deny(_coverage({"data_formats": {"pickle": true}})) == _refused("coverage.data_formats must be a list")
	_deny({"scanners": {"required": "modelaudit"}}) == _refused("scanners.required must be a list")
}

test_fail_on_holds_severities_and_the_highest if {
	_deny({"fail_on": ["CRITICAL", "HIHG"]}) == _refused("fail_on holds HIHG, which is no severity")
	_deny({"fail_on": ["HIGH"]}) == _refused("fail_on must hold CRITICAL")
	_deny({"fail_on": []}) == _refused("fail_on must hold CRITICAL")
}

test_limits_of_exceptions_are_numbers_for_each_severity if {
	msg := "exceptions.max_days must say a number of days for each severity"
	days := fixtures.settings.exceptions.max_days
	_deny(_exceptions({"max_days": object.remove(days, ["LOW"])})) == _refused(msg)
	_deny(_exceptions({"max_days": fixtures.changed(days, {"LOWW": 1})})) == _refused(msg)
	_deny(_exceptions({"max_days": fixtures.changed(days, {"LOW": "1"})})) == _refused(msg)
	_deny(_exceptions({"max_days": fixtures.changed(days, {"LOW": -1})})) == _refused(msg)
	_deny(_exceptions({"max_days": fixtures.changed(days, {"LOW": 0})})) == set()
	_deny(_exceptions({"never_rules": ["S201", "PAIT-PKL-100"]})) == set()
	_deny(_exceptions({"never": ["CRITICAL", "HIGH"]})) == set()
	_deny(_exceptions({"never": ["CRITCAL"]})) == _refused("exceptions.never holds CRITCAL, which is no severity")
}

test_scanner_lists_are_lists_with_a_default if {
	msg := "coverage.scanners must be lists of scanners, one of them named default"
	_deny(_coverage({"scanners": {}})) == _refused(msg)
	_deny(_coverage({"scanners": {"default": "modelaudit"}})) == _refused(msg)
	_deny(_coverage({"scanners": {"default": [], "pickle": "modelaudit"}})) == _refused(msg)
}

test_a_rule_that_does_not_exist_is_refused if {
	_deny({"rules": {"coverage.complet": {"level": "deny"}}}) == _refused("the rule coverage.complet does not exist")
}

test_a_level_is_one_of_three_words if {
	every setting in [{"level": "none"}, {"level": false}, {}] {
		_deny({"rules": {"model.digest": setting}}) == _refused("the rule model.digest must be deny, warn or off")
	}
}

test_a_floor_cannot_be_weakened if {
	every setting in [{"level": "warn"}, {"level": "off"}, {"level": "deny", "effective_on": "2999-01-01"}] {
		_deny({"rules": {"outcome.safe": setting}}) == _refused("the rule outcome.safe cannot be weakened")
	}
}

test_a_rule_may_be_told_what_it_asks if {
	_deny({"rules": {
		"severity.budget": {"level": "deny", "at_most": {}},
		"scans.fresh": {"level": "deny", "max_hours": 1},
		"scanners.minimum_version": {"level": "deny", "minimum": {}},
		"scanners.corroborated": {"level": "deny", "at_least": 2},
		"threats.forbidden": {"level": "deny", "kinds": []},
		"model.source": {"level": "deny", "sources": [], "hosts": [], "organizations": [], "denied_models": []},
		"model.formats": {"level": "deny", "allowed": []},
		"model.licence": {"level": "deny", "judged_by": []},
		"model.file_digests": {"level": "deny"},
	}}) == set()
	_deny({"rules": {"scans.fresh": {"level": "deny", "max_days": 1}}}) == _refused("the rule scans.fresh has the unknown setting max_days")
	_deny({"rules": {"model.file_digests": {"level": "deny", "allowed": 1}}}) == _refused("the rule model.file_digests has the unknown setting allowed")
}

test_a_rule_has_no_unknown_setting if {
	_deny({"rules": {"model.digest": {"level": "deny", "effectiv_on": "2027-01-01"}}}) == _refused("the rule model.digest has the unknown setting effectiv_on")
}

test_a_rule_of_one_environment_may_be_told_anything if {
	_deny({"rules": {"local.small_models": {"level": "deny", "at_most": 3}}}) == set()
}

test_a_severity_map_holds_severities if {
	every map in [
		{"threats": {"X": {"severity": "LWO"}}},
		{"series": {"X": {"severity": "LWO"}}},
		{"rules": {"X": {"BLOCKING": {"severity": "LWO"}}}},
	] {
		_deny({"severity_map": map}) == _refused("the severity map gives X the severity LWO, which does not exist")
		result := settings.deny with data.weightgate.settings as fixtures.settings with data.weightgate.severity_map as map
		result == _refused("the severity map gives X the severity LWO, which does not exist")
	}
	_deny({"severity_map": {"threats": {"X": {"reason": "x"}}}}) == _refused("the severity map gives X the severity null, which does not exist")
}

test_break_glass_has_limits_or_is_not_there if {
	_deny({"break_glass": {"max_hours": 0, "never_override": []}}) == set()
	_deny({"break_glass": {"max_hours": 24, "never_override": ["severity.threshold", "local.small_models"]}}) == set()
	without := settings.deny with data.weightgate.settings as object.remove(fixtures.settings, ["break_glass"])
	without == set()
	msg := "break_glass must say max_hours, at most 24, and a list never_override"
	every limits in [null, {"never_override": []}, {"max_hours": 1}, {"max_hours": 25, "never_override": []}, {"max_hours": -1, "never_override": []}, {"max_hours": "8", "never_override": []}, {"max_hours": true, "never_override": []}, {"max_hours": null, "never_override": []}, {"max_hours": [8], "never_override": []}, {"max_hours": 8, "never_override": "x"}] {
		_refused(msg) - _deny({"break_glass": limits}) == set()
	}
	_deny({"break_glass": {"max_hours": 1, "never_override": [], "hours": 1}}) == _refused("unknown setting break_glass.hours")
	_deny({"break_glass": {"max_hours": 1, "never_override": ["severity.treshold"]}}) == _refused("break_glass.never_override holds severity.treshold, which is no rule")
	_deny({"break_glass": {"max_hours": 1, "never_override": [7]}}) == _refused("break_glass.never_override holds 7, which is no rule")
}

test_what_was_prepared_for_these_settings_counts if {
	prepared := {"settings": {[fixtures.settings, data.weightgate.severity_map]: {fixtures.violation("settings.valid", "x")}}}
	result := settings.deny with data.weightgate.settings as fixtures.settings with data.weightgate.lib.prepared.values as prepared
	result == _refused("x")
}

test_what_was_prepared_for_other_settings_does_not if {
	other := fixtures.changed(fixtures.settings, {"fail_onn": []})
	every key in [[fixtures.settings, data.weightgate.severity_map], [other, {}], other] {
		result := settings.deny with data.weightgate.settings as other with data.weightgate.lib.prepared.values as {"settings": {key: set()}}
		result == _refused("unknown setting fail_onn")
	}
}
