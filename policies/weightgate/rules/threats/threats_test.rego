package weightgate.rules.threats_test

import data.weightgate.lib.fixtures_test as fixtures
import data.weightgate.rules.threats

_all := ["backdoor", "load-time-code-execution", "poisoning", "trojan"]

_says(setting, changes, entries) := {"deny": deny, "excused": excused} if {
	document := fixtures.changed(fixtures.document, {"findings": [fixtures.changed(fixtures.finding, object.union({"severity": "INFO"}, changes))]})
	settings := fixtures.changed(fixtures.settings, {"rules": {"threats.forbidden": setting}})
	deny := threats.deny with input as document with data.weightgate.settings as settings with data.weightgate.exceptions as entries
	excused := threats.excused with input as document with data.weightgate.settings as settings with data.weightgate.exceptions as entries
}

_deny(changes) := _says({"kinds": _all}, changes, {}).deny

_refused(kinds) := {{
	"rule": "threats.forbidden",
	"msg": sprintf("%s: os.system is called", [kinds]),
	"finding": "wgf-1",
	"severity": "INFO",
	"path": "weights/model.pkl",
}}

test_other_findings_may_pass if {
	_deny({}) == set()
	_deny({"category": "model-structure", "threat": "PAIT-TF-300"}) == set()
}

test_a_kind_is_known_by_category if {
	every category in [
		"code-execution",
		"deserialization",
		"load-time-code-execution",
		"pickle-analysis",
		"pickle-import",
		"unsafe-operator",
	] {
		_deny({"category": category}) == _refused("load-time-code-execution")
	}
	_deny({"category": "trojan"}) == _refused("trojan")
	_deny({"category": "architectural-backdoor"}) == _refused("backdoor")
	_deny({"category": "poisoning"}) == _refused("poisoning")
}

test_a_kind_is_known_by_the_series_of_its_code if {
	_deny({"threat": "PAIT-PKL-100"}) == _refused("load-time-code-execution")
	_deny({"threat": "PAIT-ONNX-200"}) == _refused("backdoor")
	every threat in ["PAIT-ONNX-2000", "XPAIT-ONNX-200", ["PAIT-ONNX-200"]] {
		_deny({"threat": threat}) == set()
	}
}

# NOTE: a built-in that is given null ends the whole evaluation under weightgate, so it must not be asked.
test_a_code_that_is_no_text_is_not_matched if {
	_deny({"threat": null}) == set() with regex.match as true
}

test_a_kind_is_known_by_a_word if {
	_deny({"rule": "Model Architecture Backdoor Check"}) == _refused("backdoor")
	_deny({"category": "data-poisoning"}) == _refused("poisoning")
	_deny({"rule": "Load-time Code Execution"}) == _refused("load-time-code-execution")
	_deny({"threat": "CUSTOM-TROJAN-1"}) == _refused("trojan")
	{violation.msg | some violation in _deny({"title": "A Poisoned Model"})} == {"poisoning: A Poisoned Model"}
	_deny({"rule": "Load Time Code Execution Check", "category": "TROJAN-HORSE"}) == _refused("load-time-code-execution, trojan")
}

test_only_what_is_forbidden_denies if {
	_says({"kinds": ["poisoning"]}, {"category": "trojan"}, {}).deny == set()
}

test_an_exception_excuses if {
	_says({"kinds": _all}, {"category": "trojan"}, {"EXC-1": fixtures.exception}) == {"deny": set(), "excused": {0: {"EXC-1"}}}
	expired := fixtures.changed(fixtures.exception, {"expires": "2026-11-23"})
	_says({"kinds": _all}, {"category": "trojan"}, {"EXC-1": expired}) == {"deny": _refused("trojan"), "excused": {}}
	_says({"kinds": _all}, {}, {"EXC-1": fixtures.exception}).excused == {}
}

test_a_finding_without_fields_is_judged_by_what_it_has if {
	result := threats.deny with input.findings as [{"threat": "PAIT-PKL-100"}, {}]
		with data.weightgate.settings.rules as {"threats.forbidden": {"kinds": _all}}
	result == {{
		"rule": "threats.forbidden",
		"msg": "load-time-code-execution: a finding without title",
		"finding": "unidentified",
		"severity": "CRITICAL",
		"path": null,
	}}
}

test_off_it_says_nothing if {
	_says({"level": "off", "kinds": _all}, {"category": "trojan"}, {}) == {"deny": set(), "excused": {}}
	_says({"level": "off"}, {"category": "trojan"}, {}) == {"deny": set(), "excused": {}}
}

test_what_it_is_told_must_be_readable if {
	msg := "the setting kinds must be a list of some of backdoor, load-time-code-execution, poisoning, trojan"
	every setting in [{}, {"kinds": []}, {"kinds": null}, {"kinds": "trojan"}, {"kinds": {"a": "trojan"}}, {"kinds": ["trojan", "trojans"]}] {
		fixtures.violation("threats.forbidden", msg) in _says(setting, {}, {}).deny
	}
}

test_without_the_kinds_it_denies if {
	result := threats.deny with input as fixtures.document
		with data.weightgate.threat_kinds as null
		with data.weightgate.settings.rules as {"threats.forbidden": {"kinds": _all}}
	count(result) == 1
}
