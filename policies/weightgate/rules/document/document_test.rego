package weightgate.rules.document_test

import data.weightgate.lib.fixtures_test as fixtures
import data.weightgate.rules.document

_refused(msg) := {fixtures.violation("document.valid", msg)}

_deny(changes) := result if {
	result := document.deny with input as fixtures.changed(fixtures.document, changes)
}

_model(changes) := {"model": fixtures.changed(fixtures.document.model, changes)}

test_a_document_may_pass if {
	_deny({}) == set()
	_deny({"findings": [fixtures.finding, fixtures.changed(fixtures.finding, {"id": "wgf-2", "severity": "UNKNOWN"})]}) == set()
}

test_nothing_at_all_is_no_document if {
	document.deny == {fixtures.violation("document.valid", msg) |
		some msg in [
			"the input's schema is null; expected weightgate.findings/v1",
			"the input names no model",
			"the input has no list findings",
			"the input has no list scans",
			"the input has no list model.files",
			"a finding has no id, another one's id, or a severity that is no word of the schema",
		]
	} with input as {}
}

test_another_version_of_the_document_is_refused if {
	_deny({"schema": "weightgate.findings/v2"}) == _refused("the input's schema is weightgate.findings/v2; expected weightgate.findings/v1")
}

test_a_model_needs_a_name if {
	every uri in ["", null, 7] {
		_deny(_model({"uri": uri})) == _refused("the input names no model")
	}
}

test_a_list_that_is_no_list_is_refused if {
	_deny({"scans": null}) == _refused("the input has no list scans")
	_deny(_model({"files": {}})) == _refused("the input has no list model.files")
	_deny({"findings": {}}) == _refused("the input has no list findings")
}

test_a_file_needs_path_and_format if {
	every file in [{"format": "json"}, {"path": "a"}, {"path": null, "format": "json"}, {"path": "a", "format": 1}, "a", null] {
		_deny(_model({"files": [file]})) == _refused("file 0 has no path, or no format")
	}
}

test_only_the_file_at_fault_is_named if {
	files := [{"path": "a", "format": "json"}, {"path": "b", "format": 1}, {"path": "c", "format": "json"}]
	_deny(_model({"files": files})) == _refused("file 1 has no path, or no format")
}

test_a_scan_needs_what_the_rules_read if {
	msg := "scan 0 has no scanner, status, or list of unscanned files or of errors"
	every key in ["scanner", "status", "unscanned", "errors"] {
		_deny({"scans": [object.remove(fixtures.scan, [key])]}) == _refused(msg)
		_deny({"scans": [fixtures.changed(fixtures.scan, {key: null})]}) == _refused(msg)
	}
	_deny({"scans": [fixtures.changed(fixtures.scan, {"status": "done"})]}) == _refused(msg)
	_deny({"scans": [fixtures.changed(fixtures.scan, {"unscanned": {}})]}) == _refused(msg)
	_deny({"scans": [fixtures.changed(fixtures.scan, {"errors": {}})]}) == _refused(msg)
	_deny({"scans": [fixtures.changed(fixtures.scan, {"unscanned": [{"reason": "x"}]})]}) == _refused(msg)
	_deny({"scans": ["modelaudit"]}) == _refused(msg)
}

test_a_finding_needs_id_and_severity if {
	msg := "a finding has no id, another one's id, or a severity that is no word of the schema"
	every key in ["id", "severity"] {
		_deny({"findings": [object.remove(fixtures.finding, [key])]}) == _refused(msg)
		_deny({"findings": [fixtures.changed(fixtures.finding, {key: null})]}) == _refused(msg)
	}
	_deny({"findings": [fixtures.changed(fixtures.finding, {"severity": "high"})]}) == _refused(msg)
	_deny({"findings": [fixtures.finding, fixtures.changed(fixtures.finding, {"severity": "LOW"})]}) == _refused(msg)
	_deny({"findings": ["HIGH"]}) == _refused(msg)
}
