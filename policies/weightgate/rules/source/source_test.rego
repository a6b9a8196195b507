package weightgate.rules.source_test

import data.weightgate.lib.fixtures_test as fixtures
import data.weightgate.rules.source

_rule := {"sources": ["local", "huggingface"], "hosts": [], "organizations": [], "denied_models": []}

_deny(setting, changes) := result if {
	model := object.union({"source": "huggingface", "uri": "https://huggingface.co/Org/name", "name": "Org/name"}, changes)
	result := source.deny with input.model as model
		with data.weightgate.settings.rules as {"model.source": object.union(_rule, setting)}
}

_refused(msg) := {fixtures.violation("model.source", msg)}

test_an_allowed_model_may_pass if {
	_deny({}, {}) == set()
	_deny({"sources": ["huggingface"]}, {}) == set()
	_deny({"hosts": ["HuggingFace.co"], "organizations": ["org"], "denied_models": ["**/other"]}, {}) == set()
}

test_another_source_is_denied if {
	_deny({"sources": ["local", "s3"]}, {}) == _refused("the model's source is huggingface; expected one of local, s3")
	_deny({}, {"source": null}) == _refused("the model's source is null; expected one of local, huggingface")
}

test_another_host_is_denied if {
	every uri in ["https://huggingface.co.evil.org/a", "https://evil.org/huggingface.co/a", "https://huggingface.co@evil.org/a", "https://huggingface.co:8443/a", "huggingface.co/a", "x+https://huggingface.co/a", ["https://huggingface.co/a"], null, 7] {
		_deny({"hosts": ["huggingface.co"]}, {"uri": uri}) == _refused(sprintf("the model's address %v is on none of the hosts huggingface.co", [uri]))
	}
	_deny({"hosts": ["bucket"]}, {"uri": "s3://bucket/key"}) == set()
	_deny({"hosts": ["bucket"]}, {"uri": "s3://bucket"}) == set()
}

test_another_organization_is_denied if {
	every name in ["org2/name", "name", "Org/name/more", "", null, 7] {
		_deny({"organizations": ["Org"]}, {"name": name}) == _refused(sprintf("the model's name %v is of none of the organizations Org", [name]))
	}
}

test_a_local_model_has_no_host_or_organization if {
	_deny({"hosts": ["h"], "organizations": ["o"]}, {"source": "local", "uri": "file:///m", "name": "m"}) == set()
}

test_a_denied_model_is_denied_by_address_or_name if {
	every pattern in ["org/name", "ORG/*", "https://huggingface.co/org/*", "**/name"] {
		_deny({"denied_models": [pattern]}, {}) == _refused(sprintf("the model is denied by %s", [pattern]))
	}
	_deny({"denied_models": ["models/*"]}, {"source": "local", "uri": "models/x", "name": null}) == _refused("the model is denied by models/*")
}

test_a_pattern_stays_within_a_step if {
	_deny({"denied_models": ["org/*"]}, {"name": "Org/name/more"}) == set()
	_deny({"denied_models": ["org/**"]}, {"name": "Org/name/more"}) == _refused("the model is denied by org/**")
}

# NOTE: a built-in that is given null ends the whole evaluation under weightgate, so it must not be asked.
test_a_name_that_is_no_text_is_not_matched if {
	_deny({"denied_models": ["**"]}, {"uri": null, "name": null}) == set() with lower as "a" with glob.match as true
	_deny({"organizations": ["Org"]}, {"name": null}) == _refused("the model's name null is of none of the organizations Org") with split as ["Org", "name"]
}

test_off_it_says_nothing if {
	_deny({"level": "off", "sources": ["s3"], "hosts": ["h"], "organizations": ["o"], "denied_models": ["org/name"]}, {}) == set()
	_deny({"level": "off", "sources": []}, {}) == set()
}

test_what_it_is_told_must_be_readable if {
	every setting in [{"sources": []}, {"sources": "huggingface"}, {"hosts": "huggingface.co"}, {"hosts": {"a": "huggingface.co"}}, {"organizations": null}, {"denied_models": [7]}] {
		_deny(setting, {}) == _refused("the settings sources, hosts, organizations and denied_models must be lists, sources not an empty one")
	}
	every key in object.keys(_rule) {
		count(source.deny) == 1 with input.model as {"source": "local"}
			with data.weightgate.settings.rules as {"model.source": object.remove(_rule, [key])}
	}
}

test_no_model_is_denied if {
	source.deny == _refused("the model's source is null; expected one of local, huggingface") with input as {}
		with data.weightgate.settings.rules as {"model.source": _rule}
}
