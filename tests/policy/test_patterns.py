"""The globs that an exception may use: what is accepted never matches everything, and Python and Rego agree."""

from __future__ import annotations

import json
import subprocess

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support import trees
from weightgate import strict
from weightgate.engine import binary
from weightgate.errors import InvalidDocument
from weightgate.policy import permissions

PROBES = ["wg-probe-6b1f", "wg-probe-6b1f/0d77/7.qqq", "Ж", "x/y/z", "0", "a", "-/-", ".", "_/_"]

# For each text: is it accepted as a path, and which probes does it match (a glob that OPA cannot read: none).
QUERY = """[[text, accepted, matched] |
    some text in input.texts
    e := {"EXC-1": object.union(input.exception, {"scope": {"rule": "S201", "path": text}})}
    accepted := count(data.weightgate.lib.register._formed) == 1 with data.weightgate.exceptions as e
    matched := [probe | some probe in input.probes; glob.match(text, ["/"], probe)]
]"""

EXCEPTION = {
    "reason": "A false positive.",
    "owner": "alice@example.org",
    "approver": "bob@example.org",
    "ticket": "SEC-1",
    "created": "2026-11-01",
    "expires": "2026-12-01",
}

PATTERNS = st.lists(
    st.lists(st.sampled_from([*"*?[]{}!,^-/\\.a0 ", "**", "Ж", "{a,", "[a-z]", "}*", "\n"]), max_size=12).map("".join),
    max_size=40,
)


def accepted(text: str) -> bool:
    try:
        permissions._pattern(text, "")
    except InvalidDocument:
        return False
    return True


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PATTERNS)
def test_what_is_accepted_never_matches_everything_and_both_agree(texts: list[str]) -> None:
    query_input = {"texts": texts, "probes": PROBES, "exception": EXCEPTION}
    done = subprocess.run(
        [binary.find(), "eval", "-d", "policies", "--stdin-input", "--format", "raw", QUERY],
        cwd=trees.ROOT,
        input=strict.canonical(query_input),
        capture_output=True,
        timeout=60,
        check=True,
    )
    answers = json.loads(done.stdout)
    assert len(answers) == len(texts)
    for text, rego, matched in answers:
        assert rego is accepted(text), text
        if rego:
            assert set(matched) != set(PROBES), text
            assert not {"wg-probe-6b1f", "Ж", "-/-"} <= set(matched), text
