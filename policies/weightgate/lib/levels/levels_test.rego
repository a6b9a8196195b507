package weightgate.lib.levels_test

import data.weightgate.lib.levels

_at(time) := {"context": {"evaluated_at": time}}

_of(setting) := level if {
	level := levels.of("coverage.complete") with input as _at("2026-11-23T10:00:00Z")
		with data.weightgate.settings as {"rules": {"coverage.complete": setting}}
}

test_the_level_is_the_one_that_is_set if {
	_of({"level": "warn"}) == "warn"
	_of({"level": "off"}) == "off"
	_of({"level": "deny"}) == "deny"
}

test_every_other_word_denies if {
	_of({"level": "wran"}) == "deny"
	_of({"level": null}) == "deny"
	_of({"level": false}) == "deny"
	_of({}) == "deny"
	_of("off") == "deny"
}

test_a_rule_that_is_not_named_denies if {
	levels.of("coverage.complete") == "deny" with data.weightgate.settings as {"rules": {}}
	levels.of("coverage.complete") == "deny" with data.weightgate.settings as {}
	levels.of("coverage.complete") == "deny" with data.weightgate.settings as null
}

test_a_floor_denies_whatever_is_set if {
	every floor in levels.floors {
		every setting in [{"level": "off"}, {"level": "warn"}, {"level": "deny", "effective_on": "2200-01-01"}] {
			levels.of(floor) == "deny" with data.weightgate.settings as {"rules": {floor: setting}} with input as {}
			not levels.off(floor) with data.weightgate.settings as {"rules": {floor: setting}} with input as {}
		}
	}
}

test_a_new_rule_warns_until_its_date if {
	_of({"level": "deny", "effective_on": "2026-11-23T10:00:01Z"}) == "warn"
	_of({"level": "deny", "effective_on": "2026-11-23T10:00:00Z"}) == "deny"
	_of({"level": "deny", "effective_on": "2026-11-23"}) == "deny"
	_of({"level": "deny", "effective_on": "2026-11-24"}) == "warn"
	_of({"level": "warn", "effective_on": "2026-11-22"}) == "warn"
	_of({"level": "off", "effective_on": "2026-11-24"}) == "off"
	_of({"level": "deny", "effective_on": "some day"}) == "deny"
}

test_off_is_off_alone if {
	levels.off("coverage.complete") with data.weightgate.settings as {"rules": {"coverage.complete": {"level": "off"}}}
	not levels.off("coverage.complete") with data.weightgate.settings as {"rules": {"coverage.complete": {"level": "warn"}}}
	not levels.off("coverage.complete") with data.weightgate.settings as {}
}
