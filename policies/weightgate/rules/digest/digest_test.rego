package weightgate.rules.digest_test

import data.weightgate.lib.fixtures_test as fixtures
import data.weightgate.rules.digest

_refused := {fixtures.violation("model.digest", "the model is local and has no digest, so nothing tells which files were scanned")}

test_a_local_model_with_a_digest_may_pass if digest.undecided == set() with input as fixtures.document

test_a_local_model_needs_a_digest if {
	every value in [null, "", "sha256:", sprintf("sha256:%s0", [fixtures.sha256]), sprintf("xsha256:%s", [fixtures.sha256]), upper(fixtures.document.model.digest), 7] {
		digest.undecided == _refused with input.model as {"source": "local", "digest": value}
	}
	digest.undecided == _refused with input.model as {"source": "local"}
}

test_a_model_of_unknown_source_counts_as_local if {
	digest.undecided == _refused with input as {}
}

test_a_remote_model_needs_none if {
	digest.undecided == set() with input.model as {"source": "huggingface", "digest": null}
}
