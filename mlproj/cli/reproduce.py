"""``mlproj reproduce`` and ``mlproj rerun``: do a recorded run again, with and without a verdict."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlproj.cli import complete, options
from mlproj.cli.output import print_document
from mlproj.cli.recorded import find, opened_store
from mlproj.cli.reporter import make_reporter

if TYPE_CHECKING:
    from mlproj.cli.reporter import Reporter
    from mlproj.reproduction.attempt import ReproduceOptions
    from mlproj.reproduction.audit import Audit
    from mlproj.tracking.base import Run

_parameters = click.option(
    "-P", "--param", "parameters", metavar="NAME=VALUE", multiple=True, help="A parameter's value; repeatable."
)
_trust = click.option("--trust", is_flag=True, help="Run a project from a URL that was never run here without asking.")
_latest_code = click.option(
    "--latest-code", is_flag=True, help="Take the source as it is now, in the recorded environment."
)


@click.command("reproduce")
@click.argument("run", metavar="RUN", shell_complete=complete.runs)
@click.option(
    "--times",
    metavar="N",
    type=click.IntRange(1, 100),
    default=1,
    help="Do it N times, each in a fresh environment. Default: 1.",
)
@click.option(
    "--tolerance",
    "tolerances",
    metavar="METRIC=X",
    multiple=True,
    help="How far a metric may be off: 0.01, or 1%; *=X for all. Repeatable.",
)
@click.option(
    "--ignore",
    "ignored",
    metavar="PATTERN",
    multiple=True,
    help='Files that do not count, such as "*.log"; repeatable.',
)
@click.option(
    "--causes/--no-causes",
    "search",
    default=True,
    help="Make more runs to find out why those of --times differ. Default: yes.",
)
@_latest_code
@_parameters
@_trust
@options.recorded_stand_in
@options.report_files
@options.offline
@options.verbosity
@options.as_json
def reproduce_command(
    run: str,
    times: int,
    tolerances: tuple[str, ...],
    ignored: tuple[str, ...],
    search: bool,
    latest_code: bool,
    parameters: tuple[str, ...],
    trust: bool,
    stand_in: str | None,
    junit_xml: Path | None,
    summary: Path | None,
    offline: bool,
    verbosity: int,
    as_json: bool,
) -> int:
    """Do RUN again, as it was, and tell whether it came out the same.

    The same commit with its uncommitted changes, the same values and inputs, and the packages of the run's lock.
    Compared are how it ended, every metric, and every file by its content. -P gives values that were not recorded
    because they are secret.

    The exit code is 0 when it was reproduced, 1 when it was not, and another one when it could not be tried.
    """
    from mlproj.cli import verdict_view
    from mlproj.reproduction import original, tolerance
    from mlproj.reproduction.audit import AuditRequest, audit
    from mlproj.running.interruption import listening

    allowed = tolerance.parse(tolerances)
    reporter = make_reporter(verbosity, json=as_json)
    with _report_files(run, junit_xml, summary) as report:
        with opened_store() as store, listening():
            asked = AuditRequest(original.load(find(store, run)), allowed, ignored)
            found = audit(
                asked,
                times,
                _how(parameters, latest_code, trust, stand_in, offline, as_json, reporter),
                store,
                reporter,
                search=search,
            )
        if not as_json:
            verdict_view.print_audit(asked.original.run, found)
        report(asked.original.run, found)
    if as_json:
        print_document({"reproduction": verdict_view.to_json(asked.original.run, found)})
    return 0 if found.reproduced and found.is_deterministic else 1


@click.command("rerun")
@click.argument("run", metavar="RUN", shell_complete=complete.runs)
@_latest_code
@_parameters
@_trust
@options.recorded_stand_in
@options.offline
@options.verbosity
@options.as_json
def rerun_command(
    run: str,
    latest_code: bool,
    parameters: tuple[str, ...],
    trust: bool,
    stand_in: str | None,
    offline: bool,
    verbosity: int,
    as_json: bool,
) -> int:
    """Run again what RUN ran, in its environment, with other values of parameters.

    What is not given with -P is as it was. Nothing is compared; mlproj runs diff does that. The exit code is the entry
    point's own.
    """
    from mlproj.cli.run import conclude
    from mlproj.reproduction import attempt, original
    from mlproj.running.interruption import listening

    reporter = make_reporter(verbosity, json=as_json)
    with opened_store() as store, listening():
        done = attempt.rerun(
            original.load(find(store, run)),
            _how(parameters, latest_code, trust, stand_in, offline, as_json, reporter),
            reporter,
        )
    return conclude(done, reporter, as_json=as_json)


def _report_files(
    run: str, junit_xml: Path | None, summary: Path | None
) -> AbstractContextManager[Callable[[Run, Audit], None]]:
    """What writes the files that tell of the reproduction, if any are asked for."""
    if junit_xml is None and summary is None:
        return nullcontext(lambda _run, _found: None)
    from mlproj.cli.report_files import reproduce_report

    return reproduce_report.of_flags(run, junit_xml, summary)


def _how(
    parameters: tuple[str, ...],
    latest_code: bool,
    trust: bool,
    stand_in: str | None,
    offline: bool,
    as_json: bool,
    reporter: Reporter,
) -> ReproduceOptions:
    from mlproj.cli.run import consent, tell
    from mlproj.foundation import env_vars
    from mlproj.projects import parse_assignments
    from mlproj.reproduction.attempt import ReproduceOptions

    common: dict[str, Any] = {
        "offline": offline,
        "echo": "stderr" if as_json else "streams",
        "parent_run_id": env_vars.RUN_ID.get(),
    }
    if stand_in:
        common["stand_in"] = stand_in
    asks = consent({"trust": trust, "dry_run": False, "as_json": as_json}, reporter)
    return ReproduceOptions(
        parse_assignments(parameters), latest_code, options=common, consent=asks, tell=lambda plan: tell(plan, reporter)
    )
