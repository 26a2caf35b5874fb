from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from mlproj.cli.report_files import summary
from mlproj.cli.report_files.clean import clean
from mlproj.cli.report_files.report import Case, Outcome, Report, Table

HOSTILE = st.text(st.characters(codec=None, categories=None), max_size=30) | st.sampled_from(
    [
        "a|b",
        "\\",
        "\\|",
        "`code`",
        "<script>",
        "[x](http://y)",
        "# no",
        "\n\n## title",
        "**b**",
        "&lt;",
        "---",
        "![i](u)",
        "~~s~~",
        "```",
    ]
)


def parsed(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)


def cells(text: str) -> list[str]:
    """The texts of all cells of all tables."""
    tokens = parsed(text)
    inside = [after for before, after in pairwise(tokens) if before.type in ("td_open", "th_open")]
    assert all(child.type in ("text", "text_special") for token in inside for child in token.children or ())
    return ["".join(child.content for child in token.children or ()) for token in inside]


def plain(text: str) -> str:
    return " ".join(clean(text).split())


@given(title=HOSTILE, name=HOSTILE, value=HOSTILE)
def test_values_are_text_whatever_they_hold(title: str, name: str, value: str) -> None:
    written = summary.render(
        Report("s", [], title, tables=[Table("Parameters", ("parameter", "value"), [[name, value], ["last", "1"]])])
    )

    assert cells(written)[4:] == ["parameter", "value", plain(name), plain(value), "last", "1"]
    assert [token.tag for token in parsed(written) if token.type == "heading_open"] == ["h2", "h3"]


@given(output=HOSTILE, name=HOSTILE)
def test_output_cannot_end_its_block(output: str, name: str) -> None:
    written = summary.render(Report("s", [Case(name, Outcome.FAILED, 1, "no", output + "\n```\n````")], "t"))

    fences = [token for token in parsed(written) if token.type == "fence"]
    assert [token.content for token in fences] == [clean(output + "\n```\n````").strip("\n") + "\n"]
    assert written.endswith("\n</details>\n")


def test_addresses_people_issues_and_emoji_are_text_too() -> None:
    assert summary.escaped("see https://x.y www.x.y :+1: @ann #1 a: b, c-d (e)") == (
        "see https\\://x.y www\\.x.y \\:+1: \\@ann \\#1 a: b, c-d (e)"
    )


def test_a_summary_reads_well() -> None:
    report = Report(
        "wine",
        [Case("main", Outcome.FAILED, 63, "exit code 3", "Traceback\nboom\n")],
        "main of wine: FAILED",
        tables=[Table("Metrics", ("metric", "value"), [["rmse", "0.25"]]), Table("Outputs", ("file",), [])],
        links=[("source", "https://example.org/a b>.git"), ("odd", "javascript:alert(1)")],
    )

    assert summary.render(report) == (
        "## main of wine: FAILED\n\n"
        "|  | outcome | took |  |\n| --- | --- | --- | --- |\n| main | failed | 1 min 3 s | exit code 3 |\n\n"
        "### Metrics\n\n| metric | value |\n| --- | --- |\n| rmse | 0.25 |\n\n"
        "- [source](<https://example.org/a%20b%3E.git>)\n- [odd](<>)\n\n"
        "<details><summary>the end of the output of main</summary>\n\n```text\nTraceback\nboom\n```\n\n</details>\n"
    )


def test_long_tables_and_cells_are_cut() -> None:
    rows = [["x" * 5000]] * 300

    written = summary.render(Report("s", [], "t", tables=[Table("many", ("one",), rows)]))

    assert len(written) < 250_000
    assert "… and 100 more" in written
