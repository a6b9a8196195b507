package weightgate.rules.file_digests_test

import data.weightgate.lib.fixtures_test as fixtures
import data.weightgate.rules.file_digests

_undecided(setting, files) := result if {
	result := file_digests.undecided with input as {"model": {"files": files}}
		with data.weightgate.settings.rules as {"model.file_digests": setting}
}

_violation(path, msg) := object.union(fixtures.violation("model.file_digests", msg), {"path": path})

test_files_with_digests_may_pass if _undecided({}, fixtures.document.model.files) == set()

test_a_file_without_digest_is_missing_evidence if {
	every sha256 in [null, "", upper(fixtures.sha256), sprintf("%sa", [fixtures.sha256]), sprintf("a%s", [fixtures.sha256]), fixtures.document.model.digest, 7] {
		_undecided({}, [{"path": "a", "sha256": sha256}]) == {_violation("a", "a has no digest")}
	}
	_undecided({}, [{}]) == {_violation("a file without path", "a file without path has no digest")}
}

# NOTE: a built-in that is given null ends the whole evaluation under weightgate, so it must not be asked.
test_a_digest_that_is_no_text_is_not_matched if {
	_undecided({}, [{"path": "a", "sha256": null}]) == {_violation("a", "a has no digest")} with regex.match as true
}

test_no_files_are_missing_evidence if {
	_undecided({}, []) == {_violation(null, "the document lists no file of the model")}
	file_digests.undecided == {_violation(null, "the document lists no file of the model")} with input as {}
}

test_off_it_says_nothing if {
	_undecided({"level": "off"}, []) == set()
	_undecided({"level": "off"}, [{"path": "a", "sha256": null}]) == set()
}
