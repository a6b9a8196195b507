# METADATA
# title: Pinned revision
# description: A model from a remote place is named by a full commit, so that what was scanned is what will be fetched.
# custom:
#   rule_id: model.pinned_revision
#   remediation: Name the commit in the model's address, as in https://huggingface.co/ORG/NAME/tree/COMMIT.
package weightgate.rules.revision

# METADATA
# description: One violation when a remote model's revision is not a full commit.
# scope: document
deny contains {"rule": "model.pinned_revision", "msg": msg, "finding": null, "severity": null, "path": null} if {
	object.get(input, ["model", "source"], "unknown") != "local"
	not _pinned
	msg := sprintf("the model's revision is %v; expected a full commit of 40 or 64 hexadecimal digits", [_revision])
}

_pinned if {
	is_string(_revision)
	regex.match(`^([0-9a-f]{40}|[0-9a-f]{64})$`, _revision)
}

_revision := object.get(input, ["model", "revision"], null)
