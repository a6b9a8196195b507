"""GitHub Actions: the log holds our commands and no other, the runner's files get what they should."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import reports
from weightgate.decision import Applied, ExceptionUse
from weightgate.errors import UsageError
from weightgate.formats.github import MOST, GithubFormat
from weightgate.formats.markdown import MarkdownFormat


def commands(log: str) -> list[str]:
    """Return what the runner takes for commands, in lines as it and a terminal see them."""
    lines = re.split(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]", log)
    return [line for line in lines if line.lstrip().startswith("::") or re.search(r"##\w*\[", line)]


def outputs(text: str) -> dict[str, str]:
    """Read a file of outputs as the runner does."""
    values: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, separator, delimiter = line.partition("<<")
        assert separator, line
        values[name] = "\n".join(iter(lambda: next(lines), delimiter))
    return values


def test_annotations_of_each_kind() -> None:
    found = commands(GithubFormat({}).render(reports.mixed()))
    assert [line.partition(" ")[0] for line in found].count("::error") == 5
    assert re.fullmatch(
        "::error file=models/mine/model.pkl,title=CRITICAL%2C refused in dev%2C prod::"
        "Dangerous global os.system; wgf-[0-9a-f]{24}",
        found[0],
    )
    assert any("title=refused in dev%2C prod::the scan by modelaudit is failed" in line for line in found)


def test_excused_and_warned_are_told() -> None:
    about = reports.document(reports.finding("one"), reports.finding("two", severity="LOW"))
    one, two = sorted(about.findings, key=lambda item: item.title)
    used = ExceptionUse((Applied("EXC-1", one.id, "2027-01-01"),), (), (), ())
    report = reports.report(reports.decide(about, warnings=(reports.refuse(two),), exceptions=used), documents=(about,))
    assert commands(GithubFormat({}).render(report)) == [
        "::notice file=models/mine/model.pkl,title=CRITICAL%2C excused in prod::"
        f"one; excused by EXC-1 until 2027-01-01; {one.id}",
        f"::warning file=models/mine/model.pkl,title=LOW%2C warned in prod::two; {two.id}",
    ]


def test_at_most_so_many_annotations_as_github_shows() -> None:
    about = reports.document(*(reports.finding(f"title {n}") for n in range(50)))
    decided = reports.decide(about, verdict="deny", violations=tuple(map(reports.refuse, about.findings)))
    assert len(commands(GithubFormat({}).render(reports.report(decided, documents=(about,))))) == MOST


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(reports.HOSTILE),
            st.text(st.sampled_from(":# [\n\r%0Avso]error,=\u2028\x85"), min_size=1),
            st.text(min_size=1, alphabet=st.characters(codec="utf-8")),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_no_text_makes_a_command(texts: list[str]) -> None:
    report = reports.hostile(texts, texts)
    found = commands(GithubFormat({}).render(report))
    assert len(found) <= 3 * MOST
    for line in found:
        assert re.fullmatch(r"::(error|warning|notice) (file=[^:,]*,)?title=[^:,]*::[^\r\n]*", line)


def test_summary_and_outputs(tmp_path: Path) -> None:
    summary, output = tmp_path / "summary", tmp_path / "output"
    summary.write_text("before\n")
    output.write_text("")
    report = reports.mixed()
    environ = {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(output)}
    GithubFormat(environ).publish(report, Path("out/decision.json"))
    assert summary.read_text(encoding="utf-8") == "before\n" + MarkdownFormat().render(report)
    assert outputs(output.read_text()) == {
        "verdict": "deny",
        "verdict-dev": "deny",
        "verdict-prod": "deny",
        "decision": "out/decision.json",
        "decision-dev": "out/decision.json",
        "decision-prod": "out/decision.json",
    }


def test_the_verdict_of_an_environment_is_the_worst_of_its_models(tmp_path: Path) -> None:
    one, two = reports.document(reports.finding()), reports.document(uri="models/two")
    report = reports.report(
        reports.decide(one, "dev"),
        reports.decide(one, "prod", "indeterminate", violations=(reports.refuse(one.findings[0]),)),
        reports.decide(two, "dev"),
        reports.decide(two, "prod"),
        documents=(one, two),
    )
    GithubFormat({"GITHUB_OUTPUT": str(tmp_path / "o")}).publish(report, None)
    found = outputs((tmp_path / "o").read_text())
    assert found == {"verdict": "indeterminate", "verdict-dev": "allow", "verdict-prod": "indeterminate"}


def test_a_path_cannot_forge_an_output(tmp_path: Path) -> None:
    path = tmp_path / "o"
    GithubFormat({"GITHUB_OUTPUT": str(path)}).publish(reports.mixed(), Path("x\nverdict=allow\nEOF"))
    assert outputs(path.read_text())["verdict"] == "deny"
    first = re.findall("<<(.*)", path.read_text())
    GithubFormat({"GITHUB_OUTPUT": str(path)}).publish(reports.mixed(), None)
    everything = re.findall("<<(.*)", path.read_text())
    assert len(set(everything)) == len(everything) > len(first)


def test_without_the_runner_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    GithubFormat({}).publish(reports.mixed(), None)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        GithubFormat({"GITHUB_STEP_SUMMARY": str(tmp_path / "no" / "file")}).publish(reports.mixed(), None)


def test_the_variables_of_the_process_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "o"))
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    GithubFormat().publish(replace(reports.mixed()), None)
    assert outputs((tmp_path / "o").read_text())["verdict"] == "deny"
