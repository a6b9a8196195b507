# METADATA
# title: Required scanners
# description: Every scanner that the environment requires has a completed scan of this model in the document.
# custom:
#   rule_id: scanners.required
#   break_glass: never
#   remediation: Scan with the named scanner too, for example `--scanner modelaudit --scanner picklescan`.
package weightgate.rules.scanners

# METADATA
# description: One violation for each required scanner without a scan that ran to its end.
# scope: document
undecided contains {"rule": "scanners.required", "msg": msg, "finding": null, "severity": null, "path": null} if {
	some scanner in data.weightgate.settings.scanners.required
	not _ran(scanner)
	msg := sprintf("this environment requires a scan by %s, and there is none that ran to its end", [scanner])
}

_ran(scanner) if {
	some scan in input.scans
	scan.scanner == scanner
	scan.status in {"completed", "partial"}
}
