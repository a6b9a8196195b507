# METADATA
# title: Digest of each file
# description: The document holds a digest for every file, and has one file at least, so that what was scanned can be told from what is deployed.
# custom:
#   rule_id: model.file_digests
#   optional: true
#   break_glass: never
#   remediation: Download the model and scan it here, so that its files are hashed.
package weightgate.rules.file_digests

import data.weightgate.lib.levels

# METADATA
# description: One violation for each file without digest, and one when no file is listed.
# scope: document
undecided contains _violation(path, sprintf("%v has no digest", [path])) if {
	not levels.off("model.file_digests")
	some file in input.model.files
	not _hashed(file)
	path := object.get(file, "path", "a file without path")
}

undecided contains _violation(null, "the document lists no file of the model") if {
	not levels.off("model.file_digests")
	count(object.get(input, ["model", "files"], [])) == 0
}

_hashed(file) if {
	is_string(file.sha256)
	regex.match(`^[0-9a-f]{64}$`, file.sha256)
}

_violation(path, msg) := {"rule": "model.file_digests", "msg": msg, "finding": null, "severity": null, "path": path}
