# METADATA
# title: Fresh scans
# description: Every scan ended within the environment's `max_hours`; scanners learn of new threats every day.
# custom:
#   rule_id: scans.fresh
#   optional: true
#   break_glass: never
#   remediation: Scan the model again.
package weightgate.rules.freshness

import data.weightgate.lib.clock
import data.weightgate.lib.levels

# METADATA
# description: One violation for each scan that is old, or does not say when it ended.
# scope: document
undecided contains _violation(sprintf("the scan by %s ended at %v; at most %v hours ago may pass", [name, ended, _max_hours])) if {
	not levels.off("scans.fresh")
	_told
	some scan in input.scans
	not _fresh(scan)
	name := object.get(scan, "scanner", "an unnamed scanner")
	ended := object.get(scan, "finished_at", null)
}

undecided contains _violation("the setting max_hours must be a number of hours") if {
	not levels.off("scans.fresh")
	not _told
}

_max_hours := data.weightgate.settings.rules["scans.fresh"].max_hours

_told if is_number(_max_hours)

# NOTE: the clocks of two machines may differ by minutes, not by more.
_fresh(scan) if {
	is_string(scan.finished_at)
	age := (clock.now_ns - clock.ns(scan.finished_at)) / 60000000000
	age >= -10
	age <= _max_hours * 60
}

_violation(msg) := {"rule": "scans.fresh", "msg": msg, "finding": null, "severity": null, "path": null}
