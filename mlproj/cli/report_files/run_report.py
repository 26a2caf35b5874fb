"""A run as a report: one case, its entry point."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mlproj.cli import compare_view
from mlproj.cli.report_files.naming import project_name
from mlproj.cli.report_files.report import Case, Outcome, Report, Table
from mlproj.cli.report_files.writing import ReportFiles
from mlproj.foundation import paths, quantity
from mlproj.foundation.errors import UsageError
from mlproj.foundation.redaction import redact
from mlproj.run_folder import output_log
from mlproj.tracking.base import Run, Status

_LINES = 200
_LONGEST_OUTPUT = 64_000  # characters
_LOAD = "system/"


@contextmanager
def of_flags(flags: Mapping[str, Any]) -> Iterator[Callable[[Run, Mapping[str, str]], None]]:
    """What takes the record of a run, with the plain values of its parameters, and writes the files that *flags* of
    ``mlproj run`` ask for.

    Raises UsageError for files that make no sense.
    """
    if flags["dry_run"]:
        raise UsageError("--dry-run runs nothing that --junit-xml or --summary could tell of")
    case = flags["entry_point"] or "main"
    with ReportFiles(flags["junit_xml"], flags["summary"], suite=project_name(flags["uri"]), case=case) as files:
        yield lambda run, values: files.write(
            report(run, values), f"the run {run.run_name} ({run.run_id}) {_ended(run)}"
        )


def report(run: Run, values: Mapping[str, str]) -> Report:
    """What happened in *run*, with the end of what it printed, but for the *values* of parameters that look secret."""
    point, suite = run.entry_point or "main", _suite(run)
    metrics = [
        [name, compare_view.text(value)] for name, value in sorted(run.metrics.items()) if not name.startswith(_LOAD)
    ]
    outputs = [[out.path, quantity.size(out.size), out.sha256 or ""] for out in run.outputs]
    return Report(
        suite=suite,
        cases=[
            Case(
                point,
                _outcome(run),
                _seconds(run),
                "" if run.exit_code == 0 else _ended(run),
                redact(_output(run), values),
            )
        ],
        title=f"{point} of {suite}: {run.status.value}",
        tables=(
            Table("Run", ("", ""), list(_facts(run).items())),
            Table("Parameters", ("parameter", "value"), list(run.params.items())),
            Table("Metrics", ("metric", "value"), metrics),
            Table("Outputs", ("file", "size", "SHA-256"), outputs),
        ),
        links=_links(run),
        started=quantity.utc(run.start_time),
    )


def _suite(run: Run) -> str:
    source = run.source or {}
    return project_name(f"{source.get('uri') or ''}#{source.get('subdirectory') or ''}")


def _outcome(run: Run) -> Outcome:
    """A run that was ended from outside says nothing about its entry point; one that took too long or failed does."""
    if run.status is Status.FINISHED:
        return Outcome.PASSED
    return (
        Outcome.FAILED
        if run.status is Status.FAILED or (run.status_reason or "").startswith("timed out")
        else Outcome.ERROR
    )


def _ended(run: Run) -> str:
    code = "" if run.exit_code is None else f" with exit code {run.exit_code}"
    return f"ended {run.status.value}{code}" + (f": {run.status_reason}" if run.status_reason else "")


def _seconds(run: Run) -> float:
    return max(0, (run.end_time or 0) - (run.start_time or 0)) / 1000


def _facts(run: Run) -> dict[str, str]:
    source, environment = run.source or {}, run.environment or {}
    facts = {
        "run": f"{run.run_name} ({run.run_id})",
        "experiment": run.experiment_name,
        "source": source.get("uri"),
        "commit": source.get("commit"),
        "uncommitted changes": "yes" if source.get("dirty") else None,
        "Python": environment.get("python"),
        "environment": environment.get("key") or environment.get("kind"),
    }
    return {name: str(value) for name, value in facts.items() if value}


def _output(run: Run) -> str:
    return output_log.tail(paths.run_dir(run.run_id), _LINES).decode("utf-8", "replace")[-_LONGEST_OUTPUT:]


def _links(run: Run) -> list[tuple[str, str]]:
    uri = str((run.source or {}).get("uri") or "")
    return [("source", uri)] if uri.startswith(("https://", "http://")) else []
