"""``mlproj models deploy``: a model that runs somewhere."""

from __future__ import annotations

import sys

import click

from mlproj.cli import options
from mlproj.cli.models import flags
from mlproj.cli.models.deployment_view import document, print_deployment
from mlproj.cli.output import print_document
from mlproj.cli.reporter import make_reporter


@click.command("deploy")
@flags.model
@click.option("--to", "target", metavar="TARGET", required=True, help="Where: docker, kubernetes, or one installed.")
@click.option("--name", metavar="NAME", help="What the deployment is called. Default: made of the model's name.")
@flags.target_options
@click.option("--kserve", is_flag=True, help="With --to kubernetes: an InferenceService of KServe, as -C kserve=true.")
@click.option("--dry-run", is_flag=True, help="Print what would be applied, and do nothing.")
@flags.environment
@options.verbosity
@options.as_json
def command(
    model: str,
    target: str,
    name: str | None,
    target_options: tuple[str, ...],
    kserve: bool,
    dry_run: bool,
    manager: str,
    as_of: str,
    with_mlflow: bool,
    offline: bool,
    verbosity: int,
    as_json: bool,
) -> None:
    """Make an image of a model, run it at a target, and wait until it answers.

    The target docker runs it on this machine, where only this machine reaches it; kubernetes applies a Deployment and a
    Service with kubectl. mlproj models deployments tells what runs where, and replaces or removes it.
    """
    from mlproj.models.deployments import deploying
    from mlproj.models.environment import EnvironmentOptions
    from mlproj.models.opened import open_model
    from mlproj.running.interruption import listening

    reporter = make_reporter(verbosity, json=as_json)
    chosen = EnvironmentOptions(manager, as_of, offline, with_mlflow)
    kserved = {"kserve": "true"} if kserve else {}
    request = deploying.Request(name, target, {**flags.named(target_options), **kserved}, chosen)
    with listening(), open_model(model, reporter, offline=offline) as opened:
        if dry_run:
            applied = deploying.plan(opened, request)
            if as_json:
                return print_document({"applied": applied})
            sys.stdout.write(applied)
            return None
        made = deploying.deploy(opened, request, reporter)
    return print_document({"deployment": document(made)}) if as_json else print_deployment(made)
