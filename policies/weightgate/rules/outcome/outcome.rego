# METADATA
# title: Safe outcome
# description: |
#   At least one scanner looked at the model, none failed, and each says so with a word that is known to be safe. Any other
#   word refuses, also one that nobody has seen before.
# custom:
#   rule_id: outcome.safe
#   break_glass: never
#   remediation: Read the scanner's own report; scan again when the scan failed, replace the model when it was blocked.
package weightgate.rules.outcome

# METADATA
# description: One violation for each scan whose outcome says that the model is not safe.
# scope: document
deny contains _violation(sprintf("%s says %v; only %s may pass", [_name(scan), word, concat(", ", sort(_safe))])) if {
	some scan in input.scans
	word := object.get(scan, "outcome", null)
	not word in _safe
	not word in _unfinished
}

# METADATA
# description: One violation for each scan that gives no evidence, and one when there is no scan at all.
# scope: document
undecided contains _violation("no scanner looked at this model") if not _scanned

undecided contains _violation(sprintf("the scan by %s is %v%s", [_name(scan), _status(scan), _reasons(scan)])) if {
	some scan in input.scans
	not _status(scan) in {"completed", "partial"}
}

undecided contains _violation(sprintf("the scan by %s ended without a verdict (%v)", [_name(scan), word])) if {
	some scan in input.scans
	word := object.get(scan, "outcome", null)
	word in _unfinished
	_status(scan) in {"completed", "partial"}
}

undecided contains _violation(sprintf("%s calls a scan of no file completed", [_name(scan)])) if {
	some scan in input.scans
	_of_nothing(scan)
	_status(scan) == "completed"
}

_safe := {"PASS", "CLEAN", "SUCCESS", "ALLOWED"}

# Words that say that there is no verdict (yet), rather than a bad one.
_unfinished := {null, "ERROR", "PENDING"}

# NOTE: a scanner that had nothing to read in this model (`partial`, no file) says nothing, for or against it.
_scanned if {
	some scan in input.scans
	not _of_nothing(scan)
}

_of_nothing(scan) if scan.files_scanned == 0

_name(scan) := object.get(scan, "scanner", "an unnamed scanner")

_status(scan) := object.get(scan, "status", "without status")

_reasons(scan) := sprintf(": %v", [concat("; ", [_text(error) | some error in scan.errors])]) if {
	count(scan.errors) > 0
} else := ""

_text(error) := object.get(error, "message", "an error without message")

_violation(msg) := {"rule": "outcome.safe", "msg": msg, "finding": null, "severity": null, "path": null}
