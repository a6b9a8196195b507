# METADATA
# title: Allowed source
# description: |
#   The model comes from a source that the environment lists (`sources`); from a host and an organization that it lists, where it
#   lists some (`hosts`, `organizations`); and it is none of the models that it refuses (`denied_models`, globs over address
#   and name).
# custom:
#   rule_id: model.source
#   optional: true
#   remediation: Take the model from an allowed source, or have its source allowed by a pull request.
package weightgate.rules.source

import data.weightgate.lib.levels

# METADATA
# description: One violation for each requirement on the model's source that is not met.
# scope: document
deny contains _violation(sprintf("the model's source is %v; expected one of %s", [_source, concat(", ", _told.sources)])) if {
	not levels.off("model.source")
	not _source in _told.sources
}

deny contains _violation(sprintf("the model's address %v is on none of the hosts %s", [_uri, concat(", ", _told.hosts)])) if {
	not levels.off("model.source")
	_listed("hosts")
	not _host_allowed
}

deny contains _violation(sprintf("the model's name %v is of none of the organizations %s", [_name, concat(", ", _told.organizations)])) if {
	not levels.off("model.source")
	_listed("organizations")
	not _organization_allowed
}

deny contains _violation(sprintf("the model is denied by %v", [pattern])) if {
	not levels.off("model.source")
	some pattern in _told.denied_models
	some text in [_uri, _name]
	is_string(text)
	glob.match(lower(pattern), ["/"], lower(text))
}

deny contains _violation("the settings sources, hosts, organizations and denied_models must be lists, sources not an empty one") if {
	not levels.off("model.source")
	_told == null
}

# The rule's lists, `null` when one of them is missing or no list of words.
default _told := null

_told := setting if {
	setting := data.weightgate.settings.rules["model.source"]
	count(setting.sources) > 0
	every key in ["sources", "hosts", "organizations", "denied_models"] {
		is_array(setting[key])
		every word in setting[key] {
			is_string(word)
		}
	}
}

_source := object.get(input, ["model", "source"], null)

_uri := object.get(input, ["model", "uri"], null)

_name := object.get(input, ["model", "name"], null)

# Hosts and organizations are asked of models from elsewhere.
_listed(key) if {
	_source != "local"
	count(_told[key]) > 0
}

_host_allowed if lower(_host) in {lower(host) | some host in _told.hosts}

# The host of https://host/…, the bucket of s3://bucket/…. Undefined where a user or port stands before or after it.
_host := regex.find_all_string_submatch_n(`^[a-z0-9]+://([A-Za-z0-9.-]+)(/|$)`, sprintf("%v", [_uri]), 1)[0][1]

_organization_allowed if {
	is_string(_name)
	parts := split(_name, "/")
	count(parts) == 2
	lower(parts[0]) in {lower(organization) | some organization in _told.organizations}
}

_violation(msg) := {"rule": "model.source", "msg": msg, "finding": null, "severity": null, "path": null}
