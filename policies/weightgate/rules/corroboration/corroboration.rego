# METADATA
# title: Corroborated scan
# description: At least as many different scanners as the environment says ran to their end; each misses what another finds.
# custom:
#   rule_id: scanners.corroborated
#   optional: true
#   break_glass: never
#   remediation: Scan with more scanners, for example `--scanner modelaudit --scanner picklescan`.
package weightgate.rules.corroboration

import data.weightgate.lib.levels

# METADATA
# description: One violation when too few scanners ran to their end.
# scope: document
undecided contains _violation(sprintf("%d scanners ran to their end (%s); at least %v must", [count(_ran), names, _at_least])) if {
	not levels.off("scanners.corroborated")
	_told
	count(_ran) < _at_least
	names := concat(", ", sort(_ran))
}

undecided contains _violation("the setting at_least must be a number of scanners") if {
	not levels.off("scanners.corroborated")
	not _told
}

_at_least := data.weightgate.settings.rules["scanners.corroborated"].at_least

_told if {
	is_number(_at_least)
	_at_least > 0
}

# NOTE: a scan that looked at no file corroborates nothing.
_ran := {scan.scanner |
	some scan in input.scans
	is_string(scan.scanner)
	scan.status == "completed"
	object.get(scan, "files_scanned", null) != 0
}

_violation(msg) := {"rule": "scanners.corroborated", "msg": msg, "finding": null, "severity": null, "path": null}
