"""Each mistake that the linter is there for, planted into a copy of the shipped tree, is found at its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import trees
from weightgate.policy.lint import Problem, check
from weightgate.policy.tree import PolicyTree

SEVERITY = "policies/weightgate/rules/severity/severity.rego"
OUTCOME = "policies/weightgate/rules/outcome/outcome.rego"
COVERAGE = "policies/weightgate/rules/coverage/coverage.rego"
REVISION = "policies/weightgate/rules/revision/revision.rego"
GATE = "policies/weightgate/gate/gate.rego"
LEVELS = "policies/weightgate/lib/levels/levels.rego"
PROD = "environments/prod/data.yaml"
POLICY = "environments/prod/policy.rego"
OWN = "environments/prod/own.rego"
EXCEPTIONS = "environments/prod/exceptions/data.yaml"
HEAD = "package environments.prod\n\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return trees.copy(tmp_path)


@pytest.fixture(scope="session", autouse=True)
def before(tmp_path_factory: pytest.TempPathFactory) -> set[Problem]:
    """What the linter says of the tree before a mistake is planted."""
    root = trees.copy(tmp_path_factory.mktemp("untouched"))
    BEFORE.update(check(PolicyTree(root, "--policy")))
    return BEFORE


BEFORE: set[Problem] = set()


def lint(root: Path) -> list[Problem]:
    """Return what the linter says of a tree with a mistake, but not of the same tree without it."""
    return [problem for problem in check(PolicyTree(root, "--policy")) if problem not in BEFORE]


def said(problems: list[Problem]) -> list[tuple[str, int, str]]:
    return [(problem.file, problem.line, problem.rule) for problem in problems]


def test_the_shipped_tree_is_clean(root: Path) -> None:
    assert check(PolicyTree(root, "--policy")) == []


RULES = [
    pytest.param('f.severity == "CRITCAL"', "unknown-word", '"CRITICAL"', id="severity"),
    pytest.param('f.severity != "CRITCAL"', "unknown-word", '"CRITICAL"', id="severity, not equal"),
    pytest.param('"HIHG" == f.severity', "unknown-word", '"HIGH"', id="severity, literal first"),
    pytest.param('f.severity in {"HIHG", "LOW"}', "unknown-word", '"HIGH"', id="severity in a set"),
    pytest.param('f.severity in ({"HIHG"} | {"LOW"})', "unknown-word", '"HIGH"', id="severity in a union"),
    pytest.param('word := f.severity\n\tword == "HIHG"', "unknown-word", '"HIGH"', id="severity in a variable"),
    pytest.param('{"HIHG": 1, "LOW": 2}[f.severity] == 1', "unknown-word", '"HIGH"', id="severity as a key"),
    pytest.param('object.get(f, "severity", "") == "HIHG"', "unknown-word", '"HIGH"', id="object.get"),
    pytest.param('f.enforcement == "BLOKING"', "unknown-word", '"BLOCKING"', id="enforcement"),
    pytest.param('f.scanner == "modelscann"', "unknown-word", '"modelscan"', id="scanner"),
    pytest.param('input.scans[_].status == "complete"', "unknown-word", '"completed"', id="status"),
    pytest.param('input.scans[_].outcome == "CLAEN"', "unknown-word", '"CLEAN"', id="outcome"),
    pytest.param('input.model.source == "hugingface"', "unknown-word", '"huggingface"', id="source"),
    pytest.param('input.model.files[_].format == "pikle"', "unknown-word", '"pickle"', id="format"),
    pytest.param('"CRITCAL" in data.prod.settings.fail_on', "unknown-word", '"CRITICAL"', id="member of fail_on"),
    pytest.param('data.prod.settings.rules[x].level == "wran"', "unknown-word", '"warn"', id="level"),
    pytest.param('levels.of("coverage.complte") == "deny"', "unknown-word", '"coverage.complete"', id="rule id"),
    pytest.param('decision.verdict == "alow"', "unknown-word", '"allow"', id="verdict"),
    pytest.param('f.title in {"CRITICAL", "HIGH", "LWO"}', "unknown-word", '"LOW"', id="odd one out"),
    pytest.param('f.severty == "LOW"', "unknown-field", '"severity"', id="field of a finding"),
    pytest.param('input.modle.uri == "x"', "unknown-field", '"model"', id="field of the input"),
    pytest.param('object.get(f, "severty", "") == "LOW"', "unknown-field", '"severity"', id="field in object.get"),
    pytest.param('object.get(input, ["model", "ur"], "") == ""', "unknown-field", '"uri"', id="path in object.get"),
    pytest.param("helper(f)", "unknown-field", '"severity"', id="field of an argument"),
    pytest.param("data.prd.settings.fail_on", "dead-path", '"prod"', id="environment"),
    pytest.param("data.prod.setings.fail_on", "dead-path", '"settings"', id="data"),
    pytest.param("data.prod.settings.fail_onn", "dead-path", '"fail_on"', id="setting"),
    pytest.param('data.prod.settings.rules["coverage.complete"].levl', "dead-path", '"level"', id="setting of a rule"),
    pytest.param("data.weightgate.setings.fail_on", "dead-path", '"settings"', id="library data"),
    pytest.param("data.weightgate.rules.severty.deny", "dead-path", '"severity"', id="package"),
    pytest.param("data.weightgate.rules.severity.dny", "dead-path", '"deny"', id="rule"),
    pytest.param("data.weightgate.severity_map.threts", "dead-path", '"threats"', id="library file"),
    pytest.param("limits.max_day.LOW", "dead-path", '"max_days"', id="setting behind a name"),
]


@pytest.mark.parametrize(("line", "rule", "word"), RULES)
def test_a_word_that_nothing_can_match_is_found(root: Path, line: str, rule: str, word: str) -> None:
    text = HEAD + "import data.weightgate.lib.levels\n\ndeny contains msg if {\n\tsome f in input.findings\n\t" + line
    text += '\n\tmsg := {"rule": "local.x", "msg": "x"}\n}\n\nlimits := data.prod.settings.exceptions\n\n'
    text += 'helper(g) if g.severty == "LOW"\n\nuses_levels if levels.off("coverage.complete")\n'
    if "helper" not in line:
        text = text.replace('helper(g) if g.severty == "LOW"', "")
    trees.write(root, OWN, text)
    problems = [item for item in lint(root) if item.rule not in ("opa-fmt", "opa-check", "unheard")]
    wanted = text[: text.index("g.severty" if "helper" in line else line.split("\n")[-1])].count("\n") + 1
    assert said(problems) == [(OWN, wanted, rule)]
    assert f"did you mean {word}?" in problems[0].message


@pytest.mark.parametrize(
    ("path", "old", "new", "rule"),
    [
        pytest.param(OUTCOME, '"CLEAN", "SUCCESS"', '"CLAEN", "SUCCESS"', "unknown-word", id="set that a rule names"),
        pytest.param(OUTCOME, '{null, "ERROR",', '{null, "EROR",', "unknown-word", id="second set"),
        pytest.param(
            COVERAGE, 'scan.status == "completed"', 'scan.status == "complete"', "unknown-word", id="argument"
        ),
        pytest.param(COVERAGE, "entry.path in _covered", "entry.pth in _covered", "unknown-field", id="every"),
        pytest.param(REVISION, '!= "local"', '!= "locl"', "unknown-word", id="word beside object.get"),
        pytest.param(LEVELS, '"document.valid",', '"document.vald",', "unknown-word", id="set of rule ids"),
    ],
)
def test_a_misspelt_word_of_the_library_is_found(root: Path, path: str, old: str, new: str, rule: str) -> None:
    line = trees.edit(root, path, old, new)
    assert (path, line, rule) in said(lint(root))


@pytest.mark.parametrize(
    ("path", "old", "new", "rule", "says"),
    [
        pytest.param(PROD, "fail_on: [CRITICAL, HIGH,", "fail_on: [CRITICAL, HIHG,", "data", '"HIGH"', id="severity"),
        pytest.param(PROD, "  fail_on:", "  fail_onn:", "data", '"fail_on"', id="key"),
        pytest.param(PROD, "warn_days: 14", "warn_days: soon", "data", "whole number", id="number"),
        pytest.param(PROD, "    never: []", "    never: []\n    never: []", "data", "stands twice", id="key twice"),
        pytest.param(
            PROD,
            "model.digest: {level: deny}",
            "model.digset: {level: deny}",
            "unknown-word",
            '"model.digest"',
            id="rule id",
        ),
        pytest.param(PROD, "modelscan,", "modelscann,", "unknown-word", '"modelscan"', id="scanner"),
        pytest.param(
            PROD, "required: []", "required: [modelaudt]", "unknown-word", '"modelaudit"', id="required scanner"
        ),
        pytest.param(PROD, "safetensors, text", "safetensor, text", "unknown-word", '"safetensors"', id="format"),
        pytest.param(
            PROD,
            "      default:",
            "      pickel: [fickling]\n      default:",
            "unknown-word",
            '"pickle"',
            id="format as a key",
        ),
        pytest.param(
            PROD, "stricter_than: staging", "stricter_than: stagng", "unknown-word", '"staging"', id="environment"
        ),
        pytest.param(
            PROD, "stricter_than: staging", "stricter_than: prod", "order", "circle", id="stricter than itself"
        ),
        pytest.param(
            PROD,
            "    model.digest:",
            "    severity.threshold: {level: warn}\n    model.digest:",
            "floor",
            "weakened",
            id="floor",
        ),
        pytest.param(
            PROD,
            "    model.digest:",
            "    local.absent: {level: warn}\n    model.digest:",
            "unknown-word",
            "nowhere",
            id="own rule",
        ),
        pytest.param(
            EXCEPTIONS, "{}", trees.EXCEPTION.replace("expires", "expirse"), "data", '"expires"', id="exception"
        ),
        pytest.param(
            "policies/weightgate/severity_map/data.yaml",
            '"3":\n    severity: HIGH',
            '"3":\n    severity: HIHG',
            "data",
            '"HIGH"',
            id="library data",
        ),
    ],
)
def test_a_mistake_in_a_data_file_is_found(root: Path, path: str, old: str, new: str, rule: str, says: str) -> None:
    first = trees.edit(root, path, old, new)
    problems = [item for item in lint(root) if item.rule == rule and item.file == path]
    assert problems
    assert says in problems[0].message
    assert first <= problems[0].line <= first + new.count("\n") + 1


def test_an_import_of_nothing_is_found(root: Path) -> None:
    trees.write(root, OWN, HEAD + "import data.weightgate.lib.clok\n\nx := clok.now\n")
    found = [item for item in lint(root) if item.rule == "dead-path"]
    assert {(item.file, item.line) for item in found} == {(OWN, 3), (OWN, 5)}
    assert 'did you mean "clock"?' in found[0].message


def test_every_mistake_of_a_file_is_told_and_not_only_the_first(root: Path) -> None:
    lines = {
        trees.edit(root, PROD, "[CRITICAL, HIGH, MEDIUM]", "[CRITICAL, HIHG, MEDIMU]"),
        trees.edit(root, PROD, "model.digest: {level: deny}", "model.digest: {levl: deny}"),
        trees.edit(root, PROD, "warn_days: 14", "warn_days: -1"),
        trees.edit(root, PROD, "  description:", "  descripton:"),
    }
    problems = [item for item in lint(root) if item.rule == "data"]
    assert {item.line for item in problems} == lines
    assert sum("/fail_on/" in item.message for item in problems) == 2


def test_mistakes_of_several_exceptions_are_told(root: Path) -> None:
    text = trees.EXCEPTION.replace("owner:", "ownr:") + trees.EXCEPTION.replace("EXC-1", "EXC-2").replace(
        '"2026-12-01"', '"2026-02-30"'
    )
    trees.write(root, EXCEPTIONS, text)
    said = [item.message for item in lint(root) if item.file == EXCEPTIONS]
    assert any("/EXC-1/ownr" in message for message in said)
    assert any("/EXC-2/expires" in message for message in said)


def test_a_file_at_a_place_where_opa_would_misread_it_is_told(root: Path) -> None:
    trees.write(root, "environments/prod/more.yaml", "a: 1\n")
    assert said(lint(root)) == [("environments/prod/more.yaml", 1, "data")]


def test_a_missing_data_file_is_told(root: Path) -> None:
    (root / PROD).unlink()
    assert any("data.yaml is missing" in item.message for item in lint(root))


@pytest.mark.parametrize(
    ("path", "old", "new", "rule", "says"),
    [
        pytest.param(
            POLICY,
            "package environments.prod",
            "package environments.prd",
            "package",
            "environments.prod",
            id="package",
        ),
        pytest.param(POLICY, 'as "prod"', 'as "staging"', "binding", '"prod"', id="name"),
        pytest.param(
            POLICY,
            "as data.prod.settings",
            "as data.staging.settings",
            "other-environment",
            "data.prod",
            id="settings of another",
        ),
        pytest.param(
            POLICY,
            "with data.weightgate.exceptions as",
            "with data.weightgate.own as",
            "binding",
            "exceptions",
            id="no exceptions",
        ),
        pytest.param(POLICY, "warn contains warning", "wran contains warning", "rule-name", "warn", id="misspelt rule"),
        pytest.param(POLICY, "decision := answer", "decison := answer", "rule-name", "decision", id="no decision"),
        pytest.param(REVISION, "#   rule_id: model.pinned_revision\n", "", "metadata", "rule_id", id="no rule id"),
        pytest.param(REVISION, "# title: Pinned revision\n", "", "metadata", "title", id="no title"),
        pytest.param(
            REVISION,
            "#   rule_id: model.pinned_revision",
            "#   rule_id: model.digest",
            "duplicate-rule-id",
            "digest.rego",
            id="rule id twice",
        ),
        pytest.param(
            REVISION,
            '"rule": "model.pinned_revision"',
            '"rule": "model.digest"',
            "rule-id",
            "model.digest",
            id="another rule's id",
        ),
        pytest.param(
            REVISION, "deny contains", "denny contains", "rule-name", "refuse nothing", id="nothing to refuse"
        ),
        pytest.param(
            GATE,
            "revision.deny",
            "set()",
            "unused-rule",
            "revision",
            id="rule that the gate forgot",
        ),
        pytest.param(REVISION, "is_string(_revision)", "is_string( _revision)", "opa-fmt", "opa fmt", id="format"),
        pytest.param(
            REVISION, "is_string(_revision)", "is_strng(_revision)", "opa-check", "is_strng", id="unknown function"
        ),
        pytest.param(REVISION, "_pinned if {", "_pinned if {{{", "opa-check", "", id="no Rego"),
    ],
)
def test_what_does_not_belong_together_is_found(
    root: Path, path: str, old: str, new: str, rule: str, says: str
) -> None:
    trees.edit(root, path, old, new)
    problems = [item for item in lint(root) if item.rule == rule]
    assert problems
    assert any(says in item.message for item in problems)


def test_a_rule_that_every_environment_has_off_is_told(root: Path) -> None:
    for name in ("staging", "prod"):
        level = "warn" if name == "staging" else "deny"
        path = f"environments/{name}/data.yaml"
        trees.edit(root, path, f"model.digest: {{level: {level}}}", 'model.digest: {level: "off"}')
    assert [item.rule for item in lint(root)] == ["never-on"]


def test_a_rule_may_be_offered_without_being_used(root: Path) -> None:
    for name in ("staging", "prod"):
        level = "warn" if name == "staging" else "deny"
        path = f"environments/{name}/data.yaml"
        trees.edit(root, path, f"model.digest: {{level: {level}}}", 'model.digest: {level: "off"}')
    line = "#   rule_id: model.digest\n"
    trees.edit(root, "policies/weightgate/rules/digest/digest.rego", line, line + "#   optional: true\n")
    assert lint(root) == []


def test_a_new_environment_is_part_of_the_words(root: Path) -> None:
    for name in ("policy.rego", "data.yaml"):
        text = (root / "environments/prod" / name).read_text("utf-8").replace("prod", "live")
        trees.write(root, f"environments/live/{name}", text)
    trees.edit(root, PROD, "stricter_than: staging", "stricter_than: live")
    assert [item for item in lint(root) if item.rule != "never-on"] == []


def test_the_order_of_the_problems_is_that_of_the_files(root: Path) -> None:
    trees.edit(root, PROD, "warn_days: 14", "warn_days: soon")
    trees.edit(root, SEVERITY, "finding := input.findings[index]", "finding := input.findngs[index]")
    trees.edit(root, POLICY, "package environments.prod", "package environments.prd")
    problems = lint(root)
    assert problems == sorted(problems)
    assert len({item.file for item in problems}) == 3


SPEAKS = '{"rule": "local.x", "msg": "m"} if input.model.uri == "models/tiny"'
UNHEARD = [
    pytest.param(f"deny contains {SPEAKS}", id="deny beside the decision"),
    pytest.param(f"warn contains {SPEAKS}", id="warn beside the decision"),
    pytest.param(f"own contains {SPEAKS}", id="own without its binding"),
    pytest.param(f"_too_large contains {SPEAKS}", id="a set that nothing uses"),
]


@pytest.mark.parametrize("rule", UNHEARD)
def test_a_rule_that_the_decision_does_not_hear_is_found(root: Path, rule: str) -> None:
    text = (root / POLICY).read_text("utf-8")
    trees.write(root, POLICY, f"{text}\n{rule}\n")
    assert said(lint(root)) == [(POLICY, text.count("\n") + 2, "unheard")]


def test_a_rule_that_the_decision_hears_is_no_problem(root: Path) -> None:
    binding = 'with data.weightgate.break_glass as object.get(data.prod, "break_glass", {})'
    trees.edit(root, POLICY, binding, f"{binding}\n\t\twith data.weightgate.own as own")
    text = (root / POLICY).read_text("utf-8")
    trees.write(
        root,
        POLICY,
        f"{text}\nown contains violation if some violation in _too_large\n\n_too_large contains {SPEAKS}\n",
    )
    assert lint(root) == []


RULE_OFF = {
    "threats.forbidden": 'threats.forbidden: {level: "off"}',
    "scanners.minimum_version": 'scanners.minimum_version: {level: "off"}',
    "model.source": 'model.source: {level: "off"}',
    "model.formats": 'model.formats: {level: "off"}',
    "model.licence": 'model.licence: {level: "off"}',
    "scanners.corroborated": 'scanners.corroborated: {level: "off"}',
    "severity.budget": 'severity.budget: {level: "off"}',
}
TOLD = [
    pytest.param("threats.forbidden", "kinds: [backdor]", "unknown-word", '"backdoor"', id="kind of threat"),
    pytest.param("threats.forbidden", "kinds: []", "data", "at least one name", id="no kind"),
    pytest.param(
        "scanners.minimum_version", 'minimum: {modelaudti: "1"}', "unknown-word", '"modelaudit"', id="minimum"
    ),
    pytest.param(
        "model.source",
        "sources: [locla], hosts: [], organizations: [], denied_models: []",
        "unknown-word",
        '"local"',
        id="source",
    ),
    pytest.param("model.formats", "allowed: [pikle]", "unknown-word", '"pickle"', id="allowed format"),
    pytest.param("model.licence", "judged_by: [prisma-air]", "unknown-word", '"prisma-airs"', id="judge"),
    pytest.param("scanners.corroborated", "at_least: 0", "data", "at least 1", id="no scanner"),
    pytest.param("severity.budget", "at_most: {}", "data", "at least one", id="no budget"),
]


@pytest.mark.parametrize(("rule", "told", "kind", "says"), TOLD)
def test_what_a_rule_is_told_has_known_words(root: Path, rule: str, told: str, kind: str, says: str) -> None:
    line = trees.edit(root, PROD, RULE_OFF[rule], f"{rule}: {{level: deny, {told}}}")
    problems = lint(root)
    assert said(problems) == [(PROD, line, kind)]
    assert says in problems[0].message


DATES = [
    pytest.param('model.digest: {level: warn, effective_on: "2027-01-01"}', "a date is for the level deny", id="warn"),
    pytest.param('outcome.safe: {level: deny, effective_on: "2027-01-01"}', "cannot be weakened", id="floor"),
]


@pytest.mark.parametrize(("setting", "says"), DATES)
def test_a_date_that_would_weaken_or_do_nothing_is_found(root: Path, setting: str, says: str) -> None:
    line = trees.edit(root, PROD, "model.digest: {level: deny}", setting)
    assert [(each.line, says in each.message) for each in lint(root)] == [(line, True)]


def test_a_rule_of_the_tree_is_told_what_the_tree_says(root: Path) -> None:
    rule = "policies/weightgate/rules/settings/settings.rego"
    trees.edit(
        root, rule, '"severity.budget": {"at_most"},', '"severity.budget": {"at_most"},\n\t"model.size": {"max_files"},'
    )
    settings = PolicyTree(root, "--policy")
    trees.edit(
        root,
        PROD,
        "model.digest: {level: deny}",
        "model.digest: {level: deny}\n    model.size: {level: deny, max_files: 3}",
    )
    loaded, _ = settings.load(["prod"])
    assert loaded["prod"].settings.rules["model.size"].parameters == {"max_files": 3}
    trees.edit(root, PROD, "model.size:", "local.size:")
    loaded, _ = settings.load(["prod"])
    assert loaded["prod"].settings.rules["local.size"].parameters == {"max_files": 3}


SETTINGS_RULE = "policies/weightgate/rules/settings/settings.rego"
REGISTER = "policies/weightgate/lib/register/register.rego"
ALL_AT_ONCE = [
    pytest.param(SETTINGS_RULE, "faults", 'input.model.source == "s3"', True, id="the document"),
    pytest.param(SETTINGS_RULE, "faults", "count(data.weightgate.exceptions) > 9", True, id="exceptions"),
    pytest.param(SETTINGS_RULE, "faults", 'data.weightgate.environment == "prod"', True, id="the environment"),
    pytest.param(SETTINGS_RULE, "faults", "count(data.weightgate.settings) > 9", False, id="settings"),
    pytest.param(SETTINGS_RULE, "deny", 'input.model.source == "s3"', False, id="elsewhere in the file"),
    pytest.param(REGISTER, "_more", 'input.model.source == "s3"', True, id="the document, of exceptions"),
    pytest.param(REGISTER, "_more", "count(data.weightgate.exceptions) > 9", False, id="exceptions, of exceptions"),
]


@pytest.mark.parametrize(("path", "name", "body", "found"), ALL_AT_ONCE)
def test_what_is_asked_once_for_many_documents_cannot_know_one(
    root: Path, path: str, name: str, body: str, found: bool
) -> None:
    before = (root / path).read_text(encoding="utf-8")
    trees.write(root, path, before + f'\n{name} contains {{"rule": "settings.valid", "msg": "odd"}} if {body}\n')
    problems = [problem for problem in lint(root) if problem.rule not in ("opa-check", "rule-id")]
    assert [(problem.line, problem.rule) for problem in problems] == [(before.count("\n") + 2, "prepared")][:found]
