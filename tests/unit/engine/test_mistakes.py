"""Ordinary mistakes of policy authors, seeded one by one into a copy of the tree: none of them opens the gate.

The first twelve are those that pass in conftest with exit code 0; the others are what this tree could get wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from support import documents, trees
from weightgate.cli import main

BAD = documents.document(documents.finding(severity="CRITICAL"))
"""What every environment refuses."""

DEV = "environments/dev/policy.rego"
DATA = "environments/dev/data.yaml"
EXCEPTIONS = "environments/dev/exceptions/data.yaml"
SEVERITY = "policies/weightgate/rules/severity/severity.rego"


@dataclass(frozen=True, slots=True)
class Mistake:
    """A regular expression that hits one place of a file, what stands there instead, and how the gate must answer."""

    path: str
    pattern: str
    new: str
    code: int = 3
    words: str = ""
    line: bool = False
    """Whether the message names the line of the mistake."""


def seed(root: Path, mistake: Mistake) -> int:
    """Make the mistake; return the line of its place."""
    text = (root / mistake.path).read_text(encoding="utf-8")
    hits = list(re.finditer(mistake.pattern, text, re.MULTILINE))
    assert len(hits) == 1, f"{mistake.path}: {mistake.pattern} hits {len(hits)} places; the test needs one"
    changed = hits[0].expand(mistake.new)
    assert changed != hits[0][0]
    (root / mistake.path).write_text(text[: hits[0].start()] + changed + text[hits[0].end() :], encoding="utf-8")
    return text.count("\n", 0, hits[0].start()) + 1 + changed[: len(changed) - len(changed.lstrip("\n"))].count("\n")


def check(root: Path, folder: Path, *environments: str) -> int:
    words = [word for name in environments or ("dev",) for word in ("--env", name)]
    return main(["check", str(documents.store(folder, BAD)), "--policy", str(root), *words])


FAMILIES = sorted(path.parent.name for path in (trees.ROOT / "policies/weightgate/rules").glob("*/*.rego"))
FAMILIES = sorted(set(FAMILIES))

AUTHORING = {
    "package typo": Mistake(DEV, r"^package environments\.dev$", "package environments.dve", words="undefined"),
    "rule name denny": Mistake(SEVERITY, r"^deny (contains|\[)", r"denny \1"),
    "deny is a string": Mistake(SEVERITY, r"^deny contains .* if \{$", 'deny := "x" if {'),
    "deny is true": Mistake(SEVERITY, r"^deny contains .* if \{$", "deny if {"),
    "to_number of a word": Mistake(
        DEV, r"^\tanswer := gate\.decision", '\tto_number("CRITICAL") > 0\n\tanswer := gate.decision', words="to_number"
    ),
    "deny.critical": Mistake(SEVERITY, r"^deny contains .* if \{$", "deny.critical contains 1 if {"),
    "deny_a": Mistake(SEVERITY, r"^deny contains ", "deny_a contains "),
    "deny_A": Mistake(SEVERITY, r"^deny contains ", "deny_A contains "),
    "decision misspelt": Mistake(DEV, r"^decision := ", "decison := "),
    "decision of another environment": Mistake(
        DEV, r'environment as "dev"', 'environment as "prod"', words="/environment"
    ),
    "settings of nobody": Mistake(DEV, r"data\.dev\.settings", "data.dve.settings", words="undefined"),
    "library misspelt": Mistake(DEV, r"^import data\.weightgate\.gate$", "import data.weightgate.gaet as gate"),
    "a rule that does not parse": Mistake(DEV, r"^decision := ", "decision = = ", words="environments/dev/policy.rego"),
}


@pytest.mark.parametrize("mistake", [pytest.param(m, id=name) for name, m in AUTHORING.items()])
def test_a_mistake_in_rego_never_allows(tmp_path: Path, capsys: pytest.CaptureFixture[str], mistake: Mistake) -> None:
    root = trees.copy(tmp_path / "tree")
    seed(root, mistake)
    assert check(root, tmp_path) == mistake.code
    assert mistake.words in capsys.readouterr().err


@pytest.mark.parametrize("family", FAMILIES)
def test_a_rule_family_whose_package_is_misspelt_is_missed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], family: str
) -> None:
    root = trees.copy(tmp_path / "tree")
    path = f"policies/weightgate/rules/{family}/{family}.rego"
    seed(root, Mistake(path, r"^package weightgate\.rules\.\w+$", "package weightgate.rules.mian"))
    assert check(root, tmp_path) == 3
    assert "decision" in capsys.readouterr().err


@pytest.mark.parametrize("family", FAMILIES)
def test_a_rule_family_whose_set_is_misspelt_is_missed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], family: str
) -> None:
    root = trees.copy(tmp_path / "tree")
    path = root / f"policies/weightgate/rules/{family}/{family}.rego"
    text = path.read_text()
    sets = {name for name in ("deny", "undecided") if re.search(rf"(?m)^{name} contains ", text)}
    assert sets
    for name in sets:
        path.write_text(re.sub(rf"(?m)^{name} contains ", f"{name[:-1]}{name[-2:]} contains ", text))
        assert check(root, tmp_path) == 3
    assert "no decision" not in capsys.readouterr().out


def violations(root: Path, rego: str) -> None:
    """Make dev's decision hold the violations that `rego`, made of `honest.violations`, gives."""
    trees.edit(root, DEV, "\ndecision := ", "\nhonest := ")
    with (root / DEV).open("a") as out:
        out.write(f'\ndecision := object.union(honest, {{"violations": {rego}}})\n')


CHANGED = {
    "an element is a number": "[7]",
    "an element is a string": '["refused"]',
    "an empty message": '[object.union(v, {"msg": ""}) | some v in honest.violations]',
    "a lost field": '[object.remove(v, ["finding"]) | some v in honest.violations]',
    "a misspelt field": '[v | some v in honest.violations; v.severty == "CRITICAL"]',
    "an undefined argument of sprintf": (
        '[object.union(v, {"msg": sprintf("%s", [v.paht])}) | some v in honest.violations]'
    ),
    "a value typo": '[v | some v in honest.violations; v.severity == "CRITCAL"]',
    "a dead path into data": "[v | some v in honest.violations; v.severity in data.thresholds.prd]",
    "a set that became an object": "{i: v | some i, v in honest.violations}",
}


@pytest.mark.parametrize("rego", CHANGED.values(), ids=CHANGED)
def test_a_mistake_about_violations_is_no_decision(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rego: str
) -> None:
    root = trees.copy(tmp_path / "tree")
    violations(root, rego)
    assert check(root, tmp_path) == 3
    assert "environment dev" in capsys.readouterr().err


def test_the_seeding_of_these_tests_is_honest(tmp_path: Path) -> None:
    root = trees.copy(tmp_path / "tree")
    violations(root, "honest.violations")
    assert check(root, tmp_path) == 1


FAIL_ON = r"^( +)fail_on: \[.*\]$"

SETTINGS = {
    "fail_on empty": Mistake(DATA, FAIL_ON, r"\1fail_on: []", words="CRITICAL", line=True),
    "fail_on without CRITICAL": Mistake(DATA, FAIL_ON, r"\1fail_on: [HIGH]", words="CRITICAL", line=True),
    "fail_on is null": Mistake(DATA, FAIL_ON, r"\1fail_on:", words="expected a list", line=True),
    "fail_on is a word": Mistake(DATA, FAIL_ON, r"\1fail_on: CRITICAL", words="expected a list", line=True),
    "no fail_on": Mistake(DATA, FAIL_ON, r"\1# none", words='"fail_on" is missing'),
    "fail_on misspelt": Mistake(DATA, FAIL_ON, r"\1fail-on: [CRITICAL]", words='did you mean "fail_on"', line=True),
    "fail_on twice": Mistake(
        DATA, FAIL_ON, r"\1fail_on: [CRITICAL]\n\1fail_on: [CRITICAL, HIGH]", words="stands twice", line=True
    ),
    "unknown severity": Mistake(DATA, FAIL_ON, r"\1fail_on: [CRITICAL, HIHG]", words='did you mean "HIGH"', line=True),
    "severity in lower case": Mistake(DATA, FAIL_ON, r"\1fail_on: [CRITICAL, high]", words='"high"', line=True),
    "settings misspelt": Mistake(DATA, r"^settings:$", "setings:", words='did you mean "settings"', line=True),
    "an anchor": Mistake(DATA, FAIL_ON, r"\1fail_on: &x [CRITICAL]", words="anchors"),
    "a tag": Mistake(DATA, FAIL_ON, r"\1fail_on: !!set {CRITICAL}", words="tag", line=True),
    "not YAML": Mistake(DATA, FAIL_ON, r"\1fail_on: [CRITICAL", words="not YAML"),
    "a tab": Mistake(DATA, FAIL_ON, "\tfail_on: [CRITICAL]", words="not YAML", line=True),
    "two documents": Mistake(DATA, r"\Z", "---\nsettings: {}\n", words="document"),
    "a rule without level": Mistake(
        DATA,
        r"^( +)coverage\.complete:.*$",
        r"\1coverage.complete: {levle: warn}",
        words='did you mean "level"',
        line=True,
    ),
    "a rule with an unknown level": Mistake(
        DATA, r"^( +)coverage\.complete:.*$", r"\1coverage.complete: {level: wran}", words="wran", line=True
    ),
    "a rule that does not exist": Mistake(
        DATA, r"^( +)coverage\.complete:(.*)$", r"\1coverage.complet:\2", words="coverage.complet"
    ),
    "a rule switched off that cannot be": Mistake(
        DATA, r"^( +)coverage\.complete:(.*)$", r'\1severity.threshold: {level: "off"}', words="severity.threshold"
    ),
    "an unquoted off": Mistake(DATA, FAIL_ON, r"\1fail_on: off", words="expected a list", line=True),
}


@pytest.mark.parametrize("mistake", [pytest.param(m, id=name) for name, m in SETTINGS.items()])
def test_a_mistake_in_settings_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], mistake: Mistake) -> None:
    root = trees.copy(tmp_path / "tree")
    line = seed(root, mistake)
    code = check(root, tmp_path)
    shown = capsys.readouterr()
    if mistake.words in ("coverage.complet", "severity.threshold"):
        # NOTE: which rules exist is known to the Rego, which refuses; a check before OPA may end it earlier.
        assert code in (1, 3)
        assert mistake.words in shown.out + shown.err
        return
    assert code == 3
    assert mistake.words in shown.err
    assert re.search(rf"{re.escape(mistake.path)}(:\d+)?: ", shown.err)
    if mistake.line:
        offset = 1 if mistake.words == "stands twice" else 0
        assert f"{mistake.path}:{line + offset}: " in shown.err


SCOPE = r"\{finding: wgf-1\}"
KEY = r"^  {}: .*$"

EXCEPTION = {
    "matches everything": Mistake(EXCEPTIONS, SCOPE, '{rule: S201, path: "**"}', words="/EXC-1/scope/path", line=True),
    "matches everything, by a question mark": Mistake(
        EXCEPTIONS, SCOPE, '{rule: S201, path: "?*"}', words="/EXC-1/scope/path", line=True
    ),
    "matches everything, by alternatives": Mistake(
        EXCEPTIONS, SCOPE, '{rule: S201, path: "{a,*}"}', words="/EXC-1/scope/path", line=True
    ),
    "every rule": Mistake(EXCEPTIONS, SCOPE, '{rule: "*", path: a.pkl}', words="/EXC-1/scope", line=True),
    "every finding": Mistake(EXCEPTIONS, SCOPE, '{finding: "*"}', words="/EXC-1/scope", line=True),
    "an empty finding": Mistake(EXCEPTIONS, SCOPE, '{finding: ""}', words="not empty", line=True),
    "an empty scope": Mistake(EXCEPTIONS, SCOPE, "{}", words="expected {finding}", line=True),
    "a list as scope": Mistake(EXCEPTIONS, SCOPE, '[""]', words="expected an object", line=True),
    "a rule alone": Mistake(EXCEPTIONS, SCOPE, "{rule: S201}", words="expected {finding}", line=True),
    "a misspelt scope": Mistake(EXCEPTIONS, SCOPE, "{finding: wgf-1, pth: a}", words="unknown key", line=True),
    "expires misspelt": Mistake(EXCEPTIONS, r"^  expires:", "  expired_at:", words="/EXC-1/expired_at", line=True),
    "no expiry": Mistake(EXCEPTIONS, KEY.format("expires"), "", words='"expires" is missing'),
    "expiry is null": Mistake(EXCEPTIONS, KEY.format("expires"), "  expires: null", words="/EXC-1/expires", line=True),
    "a date that does not exist": Mistake(
        EXCEPTIONS, KEY.format("expires"), '  expires: "2026-11-31"', words="2026-11-31", line=True
    ),
    "a month that does not exist": Mistake(
        EXCEPTIONS, KEY.format("expires"), '  expires: "2026-13-01"', words="2026-13-01", line=True
    ),
    "a date in words": Mistake(EXCEPTIONS, KEY.format("expires"), "  expires: never", words="never", line=True),
    "a time without zone": Mistake(
        EXCEPTIONS, KEY.format("expires"), '  expires: "2026-12-01T00:00:00"', words="expected a time", line=True
    ),
    "an empty reason": Mistake(EXCEPTIONS, KEY.format("reason"), '  reason: " "', words="/EXC-1/reason", line=True),
    "no approver": Mistake(EXCEPTIONS, KEY.format("approver"), "  approver:", words="/EXC-1/approver", line=True),
    "no ticket": Mistake(EXCEPTIONS, KEY.format("ticket"), "", words='"ticket" is missing'),
    "one id twice": Mistake(EXCEPTIONS, r"\Z", trees.EXCEPTION, words="stands twice", line=True),
    "a list of exceptions": Mistake(EXCEPTIONS, r"\A[\s\S]*\Z", '[""]\n', words="expected an object", line=True),
}


@pytest.mark.parametrize("mistake", [pytest.param(m, id=name) for name, m in EXCEPTION.items()])
def test_a_mistake_in_an_exception_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mistake: Mistake
) -> None:
    root = trees.copy(tmp_path / "tree")
    trees.write(root, EXCEPTIONS, trees.EXCEPTION)
    line = seed(root, mistake)
    assert check(root, tmp_path) == 3
    shown = capsys.readouterr().err
    assert mistake.words in shown
    assert f"{EXCEPTIONS}:{line}: " in shown if mistake.line else f"{EXCEPTIONS}:" in shown


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("approver: bob@example.org", "approver: alice@example.org", id="owner approves"),
        pytest.param(
            "approver: bob@example.org", "approver: ' Alice@Example.org '", id="owner approves, spelt otherwise"
        ),
        pytest.param('expires: "2026-12-01"', 'expires: "2099-12-01"', id="lasts for ever"),
        pytest.param('created: "2026-11-01"', 'created: "2026-11-30"', id="is created in the future"),
        pytest.param('expires: "2026-12-01"', 'expires: "2026-11-02"', id="is expired"),
    ],
)
def test_an_exception_that_excuses_nothing_refuses(tmp_path: Path, old: str, new: str) -> None:
    """It may be an error of the tree (3) or a refusal (1), and is told; it never allows."""
    root = trees.copy(tmp_path / "tree")
    trees.write(root, EXCEPTIONS, trees.EXCEPTION)
    command = [
        "check",
        str(documents.store(tmp_path, BAD)),
        "--policy",
        str(root),
        "--env",
        "dev",
        "--at",
        documents.AT,
    ]
    assert main(command) == 0
    trees.edit(root, EXCEPTIONS, old, new)
    assert main(command) in (1, 3)


FILES = {
    "settings in a file of another name": ("environments/dev/data.yaml", "environments/dev/settings.yaml"),
    "settings in a .yml": ("environments/dev/data.yaml", "environments/dev/data.yml"),
    "settings in a .json": ("environments/dev/data.yaml", "environments/dev/data.json"),
    "exceptions in a file of another name": (EXCEPTIONS, "environments/dev/exceptions/exceptions.yaml"),
    "exceptions in a folder of another name": (EXCEPTIONS, "environments/dev/exeptions/data.yaml"),
    "no settings": ("environments/dev/data.yaml", None),
    "no policy": (DEV, None),
    "a policy that looks like a test": (DEV, "environments/dev/policy_test.rego"),
    "settings in the library": ("environments/dev/data.yaml", "policies/weightgate/settings/data.yaml"),
    "no library": (SEVERITY, None),
}


@pytest.mark.parametrize(("old", "new"), FILES.values(), ids=FILES)
def test_a_file_that_is_misplaced_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str | None
) -> None:
    root = trees.copy(tmp_path / "tree")
    if new is None:
        (root / old).unlink()
    else:
        (root / new).parent.mkdir(parents=True, exist_ok=True)
        (root / old).rename(root / new)
    assert check(root, tmp_path) == 3
    assert capsys.readouterr().err.startswith("weightgate: ")


def test_a_folder_that_is_a_link_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """OPA follows it; the digest and the strict reading would not have seen what it holds."""
    root = trees.copy(tmp_path / "tree")
    trees.write(tmp_path, "elsewhere/data.yaml", trees.EXCEPTION)
    (root / EXCEPTIONS).unlink()
    (root / EXCEPTIONS).parent.rmdir()
    (root / EXCEPTIONS).parent.symlink_to(tmp_path / "elsewhere")
    assert check(root, tmp_path) == 3
    assert "environments/dev/exceptions: OPA would follow this link" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["dve", "Dev", "../dev", "dev/", "", "environments.dev"])
def test_a_misspelt_environment_is_bad_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert check(trees.copy(tmp_path / "tree"), tmp_path, name) == 2
    assert "unknown environment" in capsys.readouterr().err


def test_a_misspelt_environment_beside_a_right_one_is_bad_usage(tmp_path: Path) -> None:
    assert check(trees.copy(tmp_path / "tree"), tmp_path, "prod", "dve") == 2


def test_another_environment_s_mistake_is_an_error_too(tmp_path: Path) -> None:
    root = trees.copy(tmp_path / "tree")
    seed(root, Mistake("environments/prod/data.yaml", r"^settings:$", "setings:"))
    assert check(root, tmp_path, "dev") == 3
