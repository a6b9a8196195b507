# METADATA
# title: Well-formed findings document
# description: |
#   The input is a findings document of the version that these rules were written for, and everything that they read is
#   there. Otherwise what is missing would look like what is harmless.
# custom:
#   rule_id: document.valid
#   break_glass: never
#   remediation: Make the document with `weightgate scan` or `weightgate normalize`, and do not edit it.
package weightgate.rules.document

import data.weightgate.lib.files
import data.weightgate.lib.severities

# METADATA
# description: What is wrong with the document, one violation each.
# scope: document
deny contains _violation(sprintf("the input's schema is %v; expected weightgate.findings/v1", [_schema])) if {
	_schema != "weightgate.findings/v1"
}

deny contains _violation("the input names no model") if not _named

deny contains _violation(sprintf("the input has no list %s", [concat(".", path)])) if {
	some path in [["findings"], ["scans"], ["model", "files"]]
	not is_array(object.get(input, path, null))
}

deny contains _violation(sprintf("file %v has no path, or no format", [index])) if {
	not files.sound
	some index, file in input.model.files
	not _sound_file(file)
}

deny contains _violation(sprintf("scan %v has no scanner, status, or list of unscanned files or of errors", [index])) if {
	some index, scan in input.scans
	not _sound_scan(scan)
}

deny contains _violation("a finding has no id, another one's id, or a severity that is no word of the schema") if {
	not _sound_findings
}

_schema := object.get(input, "schema", null)

_named if {
	is_string(input.model.uri)
	input.model.uri != ""
}

_sound_file(file) if {
	is_string(file.path)
	is_string(file.format)
}

_sound_scan(scan) if {
	is_string(scan.scanner)
	scan.status in {"completed", "partial", "failed"}
	is_array(scan.errors)
	is_array(scan.unscanned)
	every entry in scan.unscanned {
		is_string(entry.path)
	}
}

# NOTE: two sets for all findings instead of a question to each, since there can be very many.
_sound_findings if {
	ids := {finding.id | some finding in input.findings; is_string(finding.id)}
	count(ids) == count(input.findings)
	words := {object.get(finding, "severity", null) | some finding in input.findings}
	words - (severities.known | {"UNKNOWN"}) == set()
}

_violation(msg) := {"rule": "document.valid", "msg": msg, "finding": null, "severity": null, "path": null}
