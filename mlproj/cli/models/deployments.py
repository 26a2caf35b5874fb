"""``mlproj models deployments``: what runs where, as its target says now."""

from __future__ import annotations

import click

from mlproj.cli import options
from mlproj.cli.models import flags
from mlproj.cli.models.deployment_view import document, print_deployment, print_list
from mlproj.cli.output import print_document, print_lines
from mlproj.cli.reporter import make_reporter

_name = click.argument("name", metavar="NAME")


@click.group("deployments")
def group() -> None:
    """What was deployed with mlproj models deploy. Its state is asked of where it runs, and not read from a record."""


@group.command("list")
@options.as_json
def list_command(as_json: bool) -> None:
    """List the deployments with their states."""
    from mlproj.models.deployments import deploying, record

    found = [(one, deploying.state(one)) for one in record.known()]
    if as_json:
        return print_document({"deployments": [document(one, state) for one, state in found]})
    return print_list(found) if found else print_lines("nothing is deployed")


@group.command("show")
@_name
@options.as_json
def show_command(name: str, as_json: bool) -> None:
    """Show a deployment: its model, image, state and who changed it last."""
    from mlproj.models.deployments import deploying, record

    found = record.get(name)
    state = deploying.state(found)
    return print_document({"deployment": document(found, state)}) if as_json else print_deployment(found, state)


@group.command("update")
@_name
@flags.model
@flags.target_options
@flags.environment
@options.verbosity
@options.as_json
def update_command(
    name: str,
    model: str,
    target_options: tuple[str, ...],
    manager: str,
    as_of: str,
    with_mlflow: bool,
    offline: bool,
    verbosity: int,
    as_json: bool,
) -> None:
    """Let a deployment serve another model or version, once that has been seen to answer.

    When the new one does not answer, the old one goes on.
    """
    from mlproj.models.deployments import deploying
    from mlproj.models.environment import EnvironmentOptions
    from mlproj.models.opened import open_model
    from mlproj.running.interruption import listening

    reporter = make_reporter(verbosity, json=as_json)
    chosen = EnvironmentOptions(manager, as_of, offline, with_mlflow)
    with listening(), open_model(model, reporter, offline=offline) as opened:
        changed = deploying.update(opened, name, flags.named(target_options), chosen, reporter)
    return print_document({"deployment": document(changed)}) if as_json else print_deployment(changed)


@group.command("delete")
@_name
@options.as_json
def delete_command(name: str, as_json: bool) -> None:
    """Stop a deployment and remove it with its record; its image stays."""
    from mlproj.models.deployments import deploying

    deploying.delete(name)
    return print_document({"deleted": name}) if as_json else print_lines(f"{name} is deleted")
