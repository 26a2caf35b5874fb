"""A comparison of runs as people read it, and as a spreadsheet does."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from mlproj.cli.output import print_heading, print_lines, print_rows, print_table
from mlproj.cli.table import Column
from mlproj.run_folder import record
from mlproj.tracking.base import Run
from mlproj.tracking.comparison import Fact, Value

_MOST_DIFF_LINES = 200


def print_comparison(runs: Sequence[Run], facts: Sequence[Fact], *, everything: bool) -> None:
    """Tables of what differs, section by section; with *everything* also of what does not."""
    chosen = [fact for fact in facts if everything or fact.differs]
    columns = [Column("", narrowest=12), *(Column(f"{run.run_name} ({run.run_id[:8]})", narrowest=10) for run in runs)]
    for section in dict.fromkeys(fact.section for fact in chosen):
        print_heading(section)
        print_table(
            columns, [[fact.name, *map(text, fact.values)] for fact in chosen if fact.section == section], indent=2
        )
    same = sum(not fact.differs for fact in facts)
    print_lines(
        "",
        f"{len(facts) - same} differ, {same} are the same"
        + ("" if everything or not same else "; --all shows these too"),
    )


def print_comparison_as_csv(runs: Sequence[Run], facts: Sequence[Fact]) -> None:
    """One row per fact: section, name, differs, and the value in each run."""
    heading = ["section", "name", "differs", *(run.run_id for run in runs)]
    print_rows(
        [
            heading,
            *([fact.section, fact.name, "yes" if fact.differs else "no", *map(text, fact.values)] for fact in facts),
        ]
    )


def print_uncommitted_changes(one: Run, other: Run) -> None:
    """How the changes that were not committed, as recorded with both runs, differ."""
    before, after = (_diff_of(run).splitlines(keepends=True) for run in (one, other))
    if before == after:
        return
    print_heading("uncommitted changes")
    lines = list(difflib.unified_diff(before, after, f"{one.run_name}/diff.patch", f"{other.run_name}/diff.patch", n=1))
    for line in lines[:_MOST_DIFF_LINES]:
        print_lines(f"  {line}".rstrip("\n"))
    if len(lines) > _MOST_DIFF_LINES:
        print_lines(
            f"  … {len(lines) - _MOST_DIFF_LINES} more lines; the whole of each is diff.patch in the run's folder"
        )


def _diff_of(run: Run) -> str:
    return (record.read(run.run_id, run.artifact_uri, "diff.patch") or b"").decode("utf-8", "backslashreplace")


def text(value: Value) -> str:
    """One value for a cell; empty where a run has none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.12g}" if isinstance(value, float) else str(value)
