# METADATA
# title: Minimum scanner versions
# description: A scanner that the environment names ran in its `minimum` version or a newer one; older ones miss known threats.
# custom:
#   rule_id: scanners.minimum_version
#   optional: true
#   break_glass: never
#   remediation: Update the scanner (`weightgate scanners install NAME`) and scan again.
package weightgate.rules.versions

import data.weightgate.lib.levels

# METADATA
# description: One violation for each scan by a version that is too old, or that nobody knows.
# scope: document
undecided contains _violation(sprintf("%s ran in version %v; expected %s or newer", [scan.scanner, version, minimum])) if {
	not levels.off("scanners.minimum_version")
	some scan in input.scans
	minimum := _minimum[scan.scanner]
	version := object.get(scan, "version", null)
	not _reaches(version, minimum)
}

undecided contains _violation("the setting minimum must give scanners of coverage.scanners versions such as \"1.2.3\"") if {
	not levels.off("scanners.minimum_version")
	not _told
}

_minimum := data.weightgate.settings.rules["scanners.minimum_version"].minimum

_told if {
	count(_minimum) > 0
	every scanner, version in _minimum {
		scanner in _accepted
		_numbers(version)
	}
}

# NOTE: a scanner that no list names is most likely a misspelt one, which would ask for nothing.
_accepted := {scanner |
	some scanners in data.weightgate.settings.coverage.scanners
	some scanner in scanners
}

_reaches(version, minimum) if _numbers(version) >= _numbers(minimum)

# The parts of a version of plain numbers, filled up with zeros; undefined for any other.
_numbers(version) := array.slice(array.concat(parts, [0, 0, 0, 0, 0]), 0, 6) if {
	is_string(version)
	regex.match(`^\d{1,9}(\.\d{1,9}){0,5}$`, version)
	parts := [to_number(part) | some part in split(version, ".")]
}

_violation(msg) := {"rule": "scanners.minimum_version", "msg": msg, "finding": null, "severity": null, "path": null}
