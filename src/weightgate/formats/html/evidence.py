"""What a model's decisions rest on: exceptions in use, and what was and was not scanned."""

from __future__ import annotations

from weightgate.decision import Decision
from weightgate.findings import FindingsDocument, Scan, Status
from weightgate.formats.html.markup import Markup, element, join, outside
from weightgate.formats.html.words import counted, days_left
from weightgate.formats.rows import Row


def exceptions(found: list[Row], decisions: tuple[Decision, ...]) -> Markup:
    """Return the exceptions that excuse findings, with the days that they last, and those that excuse nothing."""
    rows: list[Markup] = []
    for number, decision in enumerate(decisions):
        excused: dict[tuple[str, str], int] = {}
        for row in found:
            for item in row.applied[number]:
                excused[item.id, item.expires] = excused.get((item.id, item.expires), 0) + 1
        for (id_, expires), count in excused.items():
            left = days_left(expires, decision.evaluated_at)
            rows.append(_line(id_, decision, join(["excuses ", counted(count, "finding")]), outside(expires), left))
        used = decision.exceptions
        none = element("span", "–", aria_hidden="true")
        rows += [
            _line(id_, decision, element("strong", "expired, excuses nothing"), none, none) for id_ in used.expired
        ]
        for rejected in used.rejected:
            why = join([element("strong", "rejected, excuses nothing"), ": ", outside(rejected.reason)])
            rows.append(_line(rejected.id, decision, why, none, none))
        rows += [_line(id_, decision, join(["not needed here"]), none, none) for id_ in used.unused]
    if not rows:
        return join([element("h3", "Exceptions"), element("p", "None.")])
    return join([element("h3", "Exceptions"), _table(("Exception", "Environment", "Use", "Expires", "Left"), rows)])


def _line(id_: str, decision: Decision, use: Markup, expires: Markup, left: Markup) -> Markup:
    cells = (decision.environment, use, expires, left)
    return element("tr", element("th", outside(id_), scope="row"), *(element("td", cell) for cell in cells))


def coverage(document: FindingsDocument, decisions: tuple[Decision, ...]) -> Markup:
    """Return what each scanner did, and every file that it did not read, with the reason."""
    heading = element("h3", "Coverage")
    if not document.scans:
        return join([heading, element("p", element("strong", "No scanner looked at this model."))])
    rows = [_scan(scan) for scan in document.scans]
    table = _table(("Scanner", "Status", "Its own word", "Files scanned", "Not scanned", "Errors"), rows)
    return join([heading, table, *(_left(scan) for scan in document.scans)])


def _scan(scan: Scan) -> Markup:
    files = "not told" if scan.files_scanned is None else f"{scan.files_scanned:,}"
    status = element("span", scan.status.value, class_="" if scan.status is Status.COMPLETED else "soon")
    cells = (
        status, outside(scan.outcome or "none"), files, f"{len(scan.unscanned):,}", f"{len(scan.errors):,}",
    )  # fmt: skip
    name = join([outside(scan.scanner), " ", outside(scan.version or "")])
    return element("tr", element("th", name, scope="row"), *(element("td", cell) for cell in cells))


def _left(scan: Scan) -> Markup:
    reasons: dict[str, list[str]] = {}
    for item in scan.unscanned:
        reasons.setdefault(item.reason, []).append(item.path)
    told = [
        element(
            "li", outside(reason), ": ", counted(len(paths), "file"),
            element("ul", *(element("li", outside(path)) for path in paths)),
        )
        for reason, paths in reasons.items()
    ]  # fmt: skip
    told += [
        element(
            "li",
            element("strong", "error "),
            outside(error.code),
            ": ",
            outside(error.message),
            " ",
            outside(error.path or ""),
        )
        for error in scan.errors
    ]
    if not told:
        return join([])
    what = join(["What ", outside(scan.scanner), " did not scan, and its errors"])
    return element("details", element("summary", what), element("ul", *told), class_="more", open=len(told) <= 20)


def _table(heads: tuple[str, ...], rows: list[Markup]) -> Markup:
    head = element("tr", *(element("th", text, scope="col") for text in heads))
    table = element("table", element("thead", head), element("tbody", *rows))
    return element("div", table, class_="scroll", tabindex="0", role="region", aria_label=heads[0] + " table")
