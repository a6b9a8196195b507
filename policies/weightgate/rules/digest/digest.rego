# METADATA
# title: Digest of a local model
# description: A model that was scanned from a local directory is named by the digest of its files.
# custom:
#   rule_id: model.digest
#   break_glass: never
#   remediation: Scan the model's directory itself, or give `weightgate normalize` the directory with `--model-dir`.
package weightgate.rules.digest

# METADATA
# description: One violation when a local model has no digest.
# scope: document
undecided contains {"rule": "model.digest", "msg": msg, "finding": null, "severity": null, "path": null} if {
	object.get(input, ["model", "source"], "local") == "local"
	not _digest
	msg := "the model is local and has no digest, so nothing tells which files were scanned"
}

_digest if {
	is_string(input.model.digest)
	regex.match(`^sha256:[0-9a-f]{64}$`, input.model.digest)
}
