"""What ``mlproj run`` does: flags become a frozen request; the runner does the rest; one renderer shows what
happened."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from mlproj.cli import lost_folder
from mlproj.cli.reporter import Reporter, make_reporter
from mlproj.foundation import env_vars
from mlproj.foundation.errors import ServiceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mlproj.running.plan import Plan, Proposal, RunRequest
    from mlproj.tracking.base import Run

    Report = Callable[[Run, Mapping[str, str]], None]


def run(**flags: Any) -> int:
    """Do what ``mlproj run`` does for these flags; the exit code is the entry point's own."""
    lost_folder.leave(flags["uri"], flags["junit_xml"], flags["summary"], flags["params_file"])
    with _report_files(flags) as report:
        return _run(flags, report)


def _run(flags: dict[str, Any], report: Report) -> int:
    from mlproj.backends import subreaper
    from mlproj.running import runner
    from mlproj.running.interruption import listening

    as_json = flags["as_json"]
    reporter = make_reporter(flags["verbosity"], json=as_json)
    request = request_of(flags)
    # From here a signal unwinds what was begun: a fetch, a resolution, a checkout.
    with listening(), runner.planned(request, reporter, consent(flags, reporter)) as plan:
        if flags["dry_run"]:
            _show_plan(plan, as_json)
            return 0
        tell(plan, reporter)
        subreaper.become()
        record = runner.execute(plan, reporter)
    report(record, plan.command.parameters)
    code = conclude(record, reporter, as_json=as_json)
    if code == 0:
        _check_output()
    return code


def _check_output() -> None:
    """Raise ServiceError when what the command printed could not be written to our standard output."""
    from mlproj.backends import echo

    if error := echo.failure():
        raise ServiceError(
            f"the output could not be written: {error.strerror}", hint="all of it is kept: mlproj runs logs last"
        )


def _report_files(flags: dict[str, Any]) -> AbstractContextManager[Report]:
    """What writes the files that tell of the run, if any are asked for."""
    if flags["junit_xml"] is None and flags["summary"] is None:
        return nullcontext(lambda _record, _values: None)
    from mlproj.cli.report_files import run_report

    return run_report.of_flags(flags)


def consent(flags: dict[str, Any], reporter: Reporter) -> Callable[[Proposal], None]:
    """What lets a project from a URL run, or does not; a folder is the user's own."""

    def ask(proposal: Proposal) -> None:
        if proposal.revision.kind != "folder":
            from mlproj.cli.consent import obtain

            obtain(proposal, reporter, is_trusted=flags["trust"], dry_run=flags["dry_run"], as_json=flags["as_json"])

    return ask


def request_of(flags: dict[str, Any]) -> RunRequest:
    """The flags of the command line, checked for form. Raises UsageError."""
    from mlproj.projects import parse_assignments
    from mlproj.running.plan import RunRequest

    if flags["experiment_name"] and flags["experiment_id"]:
        raise UsageError("--experiment-name and --experiment-id are both given; one of them names the experiment")
    name = flags["experiment_name"] or (None if flags["experiment_id"] else env_vars.EXPERIMENT_NAME.get())
    return RunRequest(
        uri=flags["uri"],
        version=flags["version"],
        entry_point=flags["entry_point"],
        parameters=parse_assignments(flags["parameters"]),
        parameters_file=flags["params_file"],
        experiment_name=name,
        experiment_id=flags["experiment_id"],
        run_name=flags["run_name"],
        tags=parse_assignments(flags["tags"], option="--tag"),
        env_manager=flags["env_manager"],
        as_of=flags["as_of"],
        relax=tuple(flags["relax"]),
        infer=not flags["no_infer"],
        offline=flags["offline"],
        isolated=flags["isolated"],
        rebuild=flags["rebuild"],
        backend=flags["backend"],
        docker_args=_engine_options(flags["docker_args"]),
        build_image=flags["build_image"],
        in_container=flags["in_container"],
        timeout=flags["timeout"],
        grace=flags["grace"],
        output_limit=flags["max_output_size"],
        parent_run_id=env_vars.RUN_ID.get(),
        inject_run_id=flags["inject_run_id"],
        sandbox=flags["sandbox"],
        plan_only=flags["dry_run"],
        stand_in="off" if flags["no_stand_in"] else flags["stand_in"],
        echo="stderr" if flags["as_json"] else "streams",
        system_metrics=False if flags["no_system_metrics"] else None,
    )


def _engine_options(words: Sequence[str]) -> dict[str, str | bool]:
    """``-A NAME=VALUE`` and ``-A NAME``; dashes before the name are taken as well."""
    options: dict[str, str | bool] = {}
    for word in words:
        name, equals, value = word.lstrip("-").partition("=")
        if name in options:
            raise UsageError(
                f"--docker-args {name} is given twice", hint="an option with several values cannot be given this way"
            )
        options[name] = value if equals else True
    return options


def tell(plan: Plan, reporter: Reporter) -> None:
    """Say what will be done, and why, before it is done."""
    for line in plan.reasons:
        reporter.note(line)
    for warning in plan.warnings:
        reporter.warn(str(warning))


def _show_plan(plan: Plan, as_json: bool) -> None:
    import click

    if as_json:
        from mlproj.cli.output import print_document

        print_document({"plan": plan.to_json()})
        return
    document = plan.to_json()
    for line in document["reasons"]:
        click.echo(line)
    click.echo(f"environment is {'ready' if document['environment_ready'] else 'to be built'}")
    click.echo(f"entry point: {document['entry_point']}")
    for name, value in document["params"].items():
        click.echo(f"  {name} = {value}")
    click.echo("command:")
    for line in document["command"].splitlines():
        click.echo(f"  {line}")
    for warning in document["warnings"]:
        click.echo(f"warning: {warning}")


def conclude(run: Run, reporter: Reporter, *, as_json: bool) -> int:
    """Show how *run* ended; returns what the process is to exit with."""
    if as_json:
        from mlproj.cli.output import print_document
        from mlproj.foundation import open_line
        from mlproj.tracking.record import to_json

        open_line.end()
        print_document({"run": to_json(run)})
    else:
        _tell_end(run, reporter)
    return run.exit_code if run.exit_code is not None else int(run.status.value != "FINISHED")


def _tell_end(run: Run, reporter: Reporter) -> None:
    seconds = ((run.end_time or 0) - (run.start_time or 0)) / 1000
    reason = f": {run.status_reason}" if run.status_reason else ""
    text = f"run {run.run_name} ({run.run_id[:8]}) {run.status.value} after {seconds:.1f} s{reason}"
    if run.status.value == "FINISHED":
        reporter.note(text)
        reporter.note(f"see it again: mlproj runs show {run.run_id[:8]}")
    else:
        reporter.warn(text)
        reporter.note(f"its log: mlproj runs logs {run.run_id[:8]}")
