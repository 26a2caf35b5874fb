"""``mlproj run``: flags become a frozen request; the line does the rest; one renderer shows what happened."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlproj import env_vars
from mlproj.cli import complete, options
from mlproj.cli.output import print_document
from mlproj.cli.reporter import Reporter, make_reporter
from mlproj.errors import UsageError

if TYPE_CHECKING:
    from mlproj.plan import Plan, RunRequest
    from mlproj.tracking.base import Run

_MANAGERS = ["auto", "uv", "virtualenv", "conda", "docker", "local"]


@click.command("run")
@click.argument("uri", default=".", shell_complete=complete.projects)
@click.option(
    "-e", "--entry-point", metavar="NAME", shell_complete=complete.entry_points, help="Entry point, or a script's name. Default: main."
)
@click.option("-v", "--version", metavar="REVISION", help="Branch, tag or commit of a Git source. Default: the default branch.")
@click.option(
    "-P",
    "--param",
    "--param-list",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    shell_complete=complete.parameters,
    help="A parameter's value; repeatable.",
)
@click.option("--params-file", type=click.Path(dir_okay=False, path_type=Path), help="YAML or JSON file of parameters; -P wins.")
@click.option("--experiment-name", metavar="NAME", help="Experiment of the run; made when missing. Default: Default.")
@click.option("--experiment-id", metavar="ID", help="Experiment of the run, by id.")
@click.option("--run-name", metavar="NAME", help="Name of the run. Default: made up.")
@click.option("-t", "--tag", "tags", metavar="NAME=VALUE", multiple=True, help="A tag of the run; repeatable.")
@click.option(
    "--env-manager",
    type=click.Choice(_MANAGERS),
    default="auto",
    envvar=env_vars.ENV_MANAGER.name,
    help="Who makes the environment; local: run in the current one. Default: auto.",
)
@click.option(
    "--as-of",
    metavar="WHEN",
    default="auto",
    envvar=env_vars.AS_OF.name,
    help="Date that unpinned packages are resolved at: auto, commit, pins, today or a date such as 2022-08-15. Default: auto.",
)
@click.option("--no-infer", is_flag=True, help="Do not infer packages from imports when no file declares any.")
@click.option("--isolated", is_flag=True, help="Run a copy of a local folder instead of the folder itself.")
@click.option("--rebuild", is_flag=True, help="Make the environment anew even when it is there.")
@click.option("-b", "--backend", metavar="NAME", default="local", help="Where the command runs. Default: local.")
@click.option(
    "--timeout", metavar="DURATION", callback=options.duration, help="End the run after this long: 90, 90s, 15m, 2h. It exits 124."
)
@click.option(
    "--grace",
    metavar="DURATION",
    default="10s",
    callback=options.duration,
    help="Time between asking processes to end and ending them. Default: 10s.",
)
@click.option(
    "--max-output-size",
    metavar="SIZE",
    envvar=env_vars.MAX_OUTPUT_SIZE.name,
    callback=options.size,
    help="Largest changed file that is copied as an artifact, such as 100MB.",
)
@click.option("--dry-run", is_flag=True, help="Show the plan and its reasons; touch nothing but the cache.")
@options.offline
@options.verbosity
@options.as_json
def command(**flags: Any) -> None:
    """Run an entry point of the project at URI and record what happened.

    URI is a folder, a Git repository (https, ssh, git@host:path, file, gh:owner/repo, gl:owner/repo) or an archive
    (.zip, .tar.gz; a file or a URL), with #sub/folder for a project inside it. Default: the current folder.

    The exit code is the entry point's own.
    """
    from mlproj import runner
    from mlproj.interruption import listening

    as_json = flags["as_json"]
    reporter = make_reporter(flags["verbosity"], json=as_json)
    request = _request(flags)
    if flags["dry_run"]:
        with runner.planned(request, reporter) as plan:
            _show_plan(plan, as_json)
        return
    # From here a signal unwinds what was begun: a fetch, a resolution, a checkout.
    with listening(), runner.planned(request, reporter) as plan:
        _tell(plan, reporter)
        run = runner.execute(plan, reporter)
    if as_json:
        from mlproj.tracking.record import to_json

        print_document({"run": to_json(run)})
    else:
        _conclude(run, reporter)
    sys.exit(run.exit_code if run.exit_code is not None else int(run.status.value != "FINISHED"))


def _request(flags: dict[str, Any]) -> RunRequest:
    from mlproj.plan import RunRequest
    from mlproj.projects import parse_assignments

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
        infer=not flags["no_infer"],
        offline=flags["offline"],
        isolated=flags["isolated"],
        rebuild=flags["rebuild"],
        backend=flags["backend"],
        timeout=flags["timeout"],
        grace=flags["grace"],
        output_limit=flags["max_output_size"],
        parent_run_id=env_vars.RUN_ID.get(),
        echo="stderr" if flags["as_json"] else "streams",
    )


def _tell(plan: Plan, reporter: Reporter) -> None:
    for line in plan.reasons:
        reporter.note(line)
    for warning in plan.warnings:
        reporter.warn(warning)


def _show_plan(plan: Plan, as_json: bool) -> None:
    if as_json:
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


def _conclude(run: Run, reporter: Reporter) -> None:
    seconds = ((run.end_time or 0) - (run.start_time or 0)) / 1000
    reason = f": {run.status_reason}" if run.status_reason else ""
    text = f"run {run.run_name} ({run.run_id[:8]}) {run.status.value} after {seconds:.1f} s{reason}"
    if run.status.value == "FINISHED":
        reporter.note(text)
        reporter.note(f"see it again: mlproj runs show {run.run_id[:8]}")
    else:
        reporter.warn(text)
        reporter.note(f"its log: mlproj runs logs {run.run_id[:8]}")
