# METADATA
# title: Allowed file formats
# description: Every file of the model is of a format that the environment lists in `allowed`; the format is told by content.
# custom:
#   rule_id: model.formats
#   optional: true
#   remediation: Convert the file to an allowed format (weights to safetensors), or leave it out of the model.
package weightgate.rules.formats

import data.weightgate.lib.levels

# METADATA
# description: One violation for each file of another format.
# scope: document
deny contains _violation(path, sprintf("%v is of format %v; expected one of %s", [path, format, concat(", ", _allowed)])) if {
	not levels.off("model.formats")
	some file in input.model.files
	format := object.get(file, "format", "unknown")
	not format in _allowed
	path := object.get(file, "path", "a file without path")
}

deny contains _violation(null, "the setting allowed must be a list of formats") if {
	not levels.off("model.formats")
	not _allowed
}

# METADATA
# description: One violation when the document lists no file, so that nobody knows their formats.
# scope: document
undecided contains _violation(null, "the document lists no file of the model, so their formats are not known") if {
	not levels.off("model.formats")
	count(object.get(input, ["model", "files"], [])) == 0
}

# Undefined when the setting is missing, or no list of words.
_allowed := formats if {
	formats := data.weightgate.settings.rules["model.formats"].allowed
	is_array(formats)
	every format in formats {
		is_string(format)
	}
}

_violation(path, msg) := {"rule": "model.formats", "msg": msg, "finding": null, "severity": null, "path": path}
