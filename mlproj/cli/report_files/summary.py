"""A summary in Markdown, as GitHub's job summaries and GitLab's pages show it; what was run cannot add markup of its
own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

from mlproj.cli.report_files.clean import clean
from mlproj.cli.report_files.report import Case, Outcome, Report, Table
from mlproj.foundation.quantity import duration

_MOST_ROWS = 200
_LONGEST_CELL = 1000  # characters; GitHub shows no summary of more than 1 MiB
# Of CommonMark what means something within a line; of GitHub and GitLab also people, issues, addresses, formulas and
# emoji.
_MARKUP = re.compile(r"[\\`*_{}\[\]<>#!|~&@$%]|:(?=//|[\w+-]+:)|(?<=www)\.")


def render(report: Report) -> str:
    """*report* as Markdown: the cases, the tables, the links, and the output of what did not pass."""
    blocks = [f"## {escaped(report.title)}", _table(_cases(report.cases))]
    for table in report.tables:
        if table.rows:
            blocks += [f"### {escaped(table.title)}", _table(table)]
    if links := [f"- [{escaped(label)}](<{_address(url)}>)" for label, url in report.links]:
        blocks.append("\n".join(links))
    blocks += _outputs(report.cases)
    return "\n\n".join(blocks) + "\n"


def escaped(text: str) -> str:
    """*text* on one line as it reads, with nothing in it that Markdown or HTML would act upon (CommonMark 2.4)."""
    cut = clean(text)
    cut = cut if len(cut) <= _LONGEST_CELL else f"{cut[: _LONGEST_CELL - 1]}…"
    return _MARKUP.sub(r"\\\g<0>", " ".join(cut.split()))


def _cases(cases: Sequence[Case]) -> Table:
    rows = [[case.name, case.outcome.value, duration(case.seconds), case.message] for case in cases]
    return Table("", ("", "outcome", "took", ""), rows)


def _table(table: Table) -> str:
    rows: list[Sequence[str]] = [table.columns, *table.rows[:_MOST_ROWS]]
    lines = [_line(map(escaped, row)) for row in rows]
    lines.insert(1, _line("---" for _column in table.columns))
    if len(table.rows) > _MOST_ROWS:
        lines += ["", f"… and {len(table.rows) - _MOST_ROWS} more"]
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _address(url: str) -> str:
    """*url* with nothing that could end it early; whatever is no web address leads nowhere."""
    return quote(clean(url), safe="/:?#[]@!$&'()*+,;=%~") if url.startswith(("https://", "http://")) else ""


def _outputs(cases: Sequence[Case]) -> Iterator[str]:
    for case in cases:
        output = clean(case.output).strip("\n")
        if output and case.outcome in (Outcome.FAILED, Outcome.ERROR):
            fence = "`" * (max([2, *map(len, re.findall("`+", output))]) + 1)
            summary = f"<details><summary>the end of the output of {_html(clean(case.name))}</summary>"
            yield f"{summary}\n\n{fence}text\n{output}\n{fence}\n\n</details>"


def _html(text: str) -> str:
    from html import escape

    return escape(" ".join(text.split()))
