"""Why two runs differ, as people read it and as a program does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mlproj.cli import compare_view
from mlproj.cli.output import print_heading, print_lines, print_prose, print_table
from mlproj.cli.table import Column
from mlproj.difference import Difference, causes
from mlproj.difference.causes import Cause
from mlproj.difference.effects import Effect
from mlproj.sources.changed_files import ChangedFile
from mlproj.tracking.base import Run
from mlproj.tracking.comparison import Fact

_MOST_FILES = 20


def to_json(runs: Sequence[Run], difference: Difference) -> dict[str, Any]:
    """The document of ``mlproj runs diff --json`` (schema 1)."""
    return {
        "runs": [{"run_id": run.run_id, "run_name": run.run_name} for run in runs],
        "causes": [_cause_document(cause) for cause in difference.causes],
        "effects": [
            {
                **_fact_document(effect.fact),
                "section": effect.fact.section,
                "absolute": effect.absolute,
                "relative": effect.relative,
            }
            for effect in difference.effects
        ],
        "likely": [cause.name for cause in difference.likely],
        "conclusion": difference.conclusion,
    }


def print_difference(one: Run, other: Run, difference: Difference) -> None:
    """The causes that differ, what is the same or not recorded, the effects, and what to make of it."""
    print_lines(*(f"{letter}  {run.run_name} ({run.run_id[:8]})" for letter, run in (("A", one), ("B", other))))
    print_heading("causes, the likeliest first")
    for cause in difference.likely or ():
        print_prose(f"  {cause.name}: {cause.verdict}", hanging=4)
        print_lines(*_file_lines(cause.files or ()))
    if not difference.likely:
        print_lines("  none that is recorded")
    for cause in difference.unknown:
        print_prose(f"  {cause.name}: not known: {cause.verdict}", hanging=4)
    if same := [cause.name for cause in difference.causes if cause.state == causes.SAME]:
        print_prose(f"  the same: {', '.join(same)}", hanging=4)
    compare_view.print_uncommitted_changes(one, other)
    _print_effects(difference.effects)
    print_lines("")
    print_prose(difference.conclusion)


def _file_lines(files: Sequence[ChangedFile]) -> Iterator[str]:
    for file in files[:_MOST_FILES]:
        yield f"    {file.path}  " + ("binary" if file.added is None else f"+{file.added} -{file.removed}")
    if len(files) > _MOST_FILES:
        yield f"    … {len(files) - _MOST_FILES} more files"


def _print_effects(effects: Sequence[Effect]) -> None:
    print_heading("effects")
    if not effects:
        print_lines("  none: what the runs left and how they ended is the same")
        return
    columns = [
        Column("", narrowest=12),
        Column("A", narrowest=10),
        Column("B", narrowest=10),
        Column("B - A"),
        Column("RELATIVE"),
    ]
    print_table(columns, [_effect_row(effect) for effect in effects], indent=2)


def _effect_row(effect: Effect) -> list[str]:
    values = [causes.short(compare_view.text(value)) for value in effect.fact.values]
    absolute = "" if effect.absolute is None else f"{effect.absolute:+.6g}"
    relative = "" if effect.relative is None else f"{100 * effect.relative:+.3g} %"
    return [effect.fact.name, *values, absolute, relative]


def _cause_document(cause: Cause) -> dict[str, Any]:
    files = None if cause.files is None else [vars(file) for file in cause.files]
    document = {
        "name": cause.name,
        "state": cause.state,
        "verdict": cause.verdict,
        "facts": [_fact_document(fact) for fact in cause.facts],
    }
    return document | ({"files": files} if cause.name == "code" else {})


def _fact_document(fact: Fact) -> dict[str, Any]:
    return {"name": fact.name, "values": list(fact.values)}
