package weightgate.rules.revision_test

import data.weightgate.lib.fixtures_test as fixtures
import data.weightgate.rules.revision

_refused(found) := {fixtures.violation(
	"model.pinned_revision",
	sprintf("the model's revision is %v; expected a full commit of 40 or 64 hexadecimal digits", [found]),
)}

_commit := "0123456789abcdef0123456789abcdef01234567"

test_a_full_commit_may_pass if {
	every commit in [_commit, fixtures.sha256] {
		revision.deny == set() with input.model as {"source": "huggingface", "revision": commit}
	}
}

test_everything_else_denies if {
	every found in [null, "main", "v1.0", "", upper(_commit), substring(_commit, 0, 39), sprintf("%s\n", [_commit]), sprintf("0%s", [_commit]), 7] {
		revision.deny == _refused(found) with input.model as {"source": "s3", "revision": found}
	}
}

test_a_model_of_unknown_source_counts_as_remote if {
	revision.deny == _refused(null) with input as {}
}

test_a_local_model_needs_none if {
	revision.deny == set() with input.model as {"source": "local", "revision": null}
}
