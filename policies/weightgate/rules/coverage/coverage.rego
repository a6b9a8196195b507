# METADATA
# title: Complete coverage
# description: |
#   Every file of the model was looked at to its end by a scanner that the environment accepts for its format, or is of a
#   format that the environment accepts as plain data. A partial scan counts only when nothing that it left open is left.
# custom:
#   rule_id: coverage.complete
#   break_glass: never
#   remediation: Add a scanner that reads the file, remove the file from the model, or have its format accepted as data.
package weightgate.rules.coverage

import data.weightgate.lib.files

# METADATA
# description: One violation for each file that nobody vouches for, and one for each scan that lost something for good.
# scope: document
undecided contains _violation(path, sprintf("%s (%s) was not scanned%s", [path, format, _reasons(path)])) if {
	not _complete
	some file in input.model.files
	path := object.get(file, "path", "a file without path")
	not path in _covered
	format := object.get(file, "format", "unknown")
}

undecided contains _violation(null, sprintf("the scan by %s is partial%s", [_name(scan), _left(scan)])) if {
	some scan in input.scans
	not _whole(scan)
}

# NOTE: nothing is left to look for in most documents; then no file is looked at by itself.
_complete if {
	files.sound
	files.paths - _scanned == set()
}

_covered := _scanned if {
	_complete
} else := _scanned | _plain_data

# NOTE: a failed scan covers nothing, and rule outcome.safe refuses it whatever else there is.
_scanned := union({paths |
	some scanner in {scan.scanner | some scan in input.scans; scan.status in {"completed", "partial"}}
	some format, of_format in files.by_format
	scanner in _accepted(format)
	paths := of_format - _unscanned[scanner]
})

_plain_data := {file.path |
	some file in input.model.files
	file.format in data.weightgate.settings.coverage.data_formats
	is_string(file.sha256)
}

_accepted(format) := scanners if {
	scanners := data.weightgate.settings.coverage.scanners[format]
} else := data.weightgate.settings.coverage.scanners.default

# The paths that a scanner did not finish in any of its scans.
_unscanned := {scanner: paths |
	scanners := {scan.scanner | some scan in input.scans}
	some scanner in scanners
	paths := {entry.path |
		some scan in input.scans
		scan.scanner == scanner
		some entry in scan.unscanned
	}
}

_whole(scan) if {
	scan.status == "completed"
	scan.unscanned == []
	scan.errors == []
}

# What another scanner or the file's format makes up for: each file that this scan left is one of the model's, and covered.
_whole(scan) if {
	scan.status in {"completed", "partial"}
	scan.errors == []
	count(scan.unscanned) > 0
	every entry in scan.unscanned {
		entry.path in _covered
	}
}

_name(scan) := object.get(scan, "scanner", "an unnamed scanner")

default _reasons(_) := ""

_reasons(path) := sprintf(": %s", [concat("; ", _reasons_by_path[path])])

_reasons_by_path := {path: reasons | some path, reasons in _reason}

_reason[entry.path] contains sprintf("%s: %v", [_name(scan), object.get(entry, "reason", "no reason given")]) if {
	some scan in input.scans
	some entry in scan.unscanned
}

_left(scan) := sprintf(": %d files were not scanned, %d errors", [
	count([entry | some entry in scan.unscanned]),
	count([error | some error in scan.errors]),
])

_violation(path, msg) := {"rule": "coverage.complete", "msg": msg, "finding": null, "severity": null, "path": path}
