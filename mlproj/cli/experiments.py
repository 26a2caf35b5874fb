"""``mlproj experiments``: look at the groups that runs are in, make and rename them, hide them and bring them back."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click

from mlproj.cli import complete, options
from mlproj.cli.command_table import Group
from mlproj.cli.output import print_document, print_fields, print_heading, print_lines, print_table
from mlproj.cli.recorded import opened_store
from mlproj.cli.table import Column
from mlproj.foundation import quantity
from mlproj.tracking.base import Experiment, Experiments, NotFound

_COLUMNS = (
    Column("ID", right=True),
    Column("NAME", narrowest=18),
    Column("CREATED", dispensable=2),
    Column("UPDATED", dispensable=1),
    Column("ARTIFACTS", narrowest=20, dispensable=3),
)
_PAGE = 1000


@click.group("experiments", cls=Group)
def group() -> None:
    """List, show, make, rename, delete and restore experiments: the named groups that runs are in.

    EXPERIMENT is an experiment's name or its id.
    """


@group.command("list")
@click.option(
    "--filter", "filter", metavar="EXPRESSION", default="", help="Only those that match, such as \"name LIKE 'wine%'\"."
)
@click.option("--deleted", is_flag=True, help="The deleted experiments instead of the others.")
@options.as_json
def list_command(filter: str, deleted: bool, as_json: bool) -> None:
    """List experiments, the newest first."""
    with opened_store() as store:
        found = list(_search(store, filter, "deleted" if deleted else "active"))
    if as_json:
        print_document({"experiments": [_document(one) for one in found]})
    elif not found:
        sys.stderr.write("no experiments\n")
    else:
        print_table(_COLUMNS, [_row(one) for one in found])


@group.command("show")
@click.argument("experiment", metavar="EXPERIMENT", shell_complete=complete.experiments)
@options.as_json
def show_command(experiment: str, as_json: bool) -> None:
    """Show what is recorded about an experiment; "mlproj runs list --experiment NAME" lists its runs."""
    with opened_store() as store:
        found = find(store, experiment)
    if as_json:
        return print_document({"experiment": _document(found)})
    deleted = " (deleted)" if found.lifecycle_stage == "deleted" else ""
    fields = [
        ("experiment", f"{found.name}{deleted}"),
        ("id", found.experiment_id),
        ("created", quantity.moment(found.creation_time, seconds=True)),
        ("updated", quantity.moment(found.last_update_time, seconds=True)),
        ("artifacts", found.artifact_location),
    ]
    print_fields([(name, value) for name, value in fields if value])
    if found.tags:
        print_heading("tags")
        print_fields(found.tags, indent=2)
    return None


@group.command("create")
@click.argument("name", metavar="NAME")
@click.option(
    "--artifacts",
    metavar="PLACE",
    help="Where its runs keep their files: a folder, s3://… [default: where the others do]",
)
@click.option("-t", "--tag", "tags", metavar="NAME=VALUE", multiple=True, help="A tag of the experiment; repeatable.")
@options.as_json
def create_command(name: str, artifacts: str | None, tags: tuple[str, ...], as_json: bool) -> None:
    """Make an experiment. "mlproj run --experiment NAME" makes one by itself when it is new."""
    from mlproj.projects import parse_assignments

    with opened_store() as store:
        made = store.create_experiment(name, _place(artifacts), tags=parse_assignments(tags, option="--tag"), new=True)
    _tell([made], "created", as_json, one=True)


@group.command("rename")
@click.argument("experiment", metavar="EXPERIMENT", shell_complete=complete.experiments)
@click.argument("name", metavar="NEW_NAME")
@options.as_json
def rename_command(experiment: str, name: str, as_json: bool) -> None:
    """Give an experiment another name. Its runs stay in it."""
    with opened_store() as store:
        found = find(store, experiment)
        store.update_experiment(found.experiment_id, name=name)
        renamed = store.get_experiment(experiment_id=found.experiment_id)
    _tell([renamed], f"renamed {found.name} to", as_json, one=True)


@group.command("delete")
@click.argument("experiments", metavar="EXPERIMENT...", nargs=-1, required=True, shell_complete=complete.experiments)
@options.as_json
def delete_command(experiments: tuple[str, ...], as_json: bool) -> None:
    """Hide experiments with their runs. "mlproj experiments restore" brings both back, until "mlproj gc" removes
    them."""
    _tell(_move(experiments, "deleted"), "deleted", as_json)


@group.command("restore")
@click.argument(
    "experiments", metavar="EXPERIMENT...", nargs=-1, required=True, shell_complete=complete.deleted_experiments
)
@options.as_json
def restore_command(experiments: tuple[str, ...], as_json: bool) -> None:
    """Bring deleted experiments back, with the runs that were deleted with them."""
    _tell(_move(experiments, "active"), "restored", as_json)


def find(store: Experiments, reference: str) -> Experiment:
    """The experiment with this name, deleted ones included, else with this id. Raises NotFound."""
    try:
        return store.get_experiment(name=reference)
    except NotFound as error:
        if re.fullmatch(r"\d+", reference, re.ASCII):
            return store.get_experiment(experiment_id=reference)
        raise NotFound(
            error.message, hint="mlproj experiments list shows which there are, with --deleted the deleted ones"
        ) from error


def _search(store: Experiments, filter: str, stage: str) -> Iterator[Experiment]:
    """All pages of a search."""
    from mlproj.tracking.search import shorthand
    from mlproj.tracking.search.vocabulary import EXPERIMENTS

    filter = shorthand.expanded(filter, EXPERIMENTS)
    token: str | None = None
    while True:
        page = store.search_experiments(filter=filter, lifecycle_stage=stage, limit=_PAGE, page_token=token)
        yield from page.items
        token = page.next_page_token
        if token is None:
            return


def _move(references: Sequence[str], stage: str) -> list[Experiment]:
    """Set the lifecycle stage of all the experiments, after all of them were found."""
    with opened_store() as store:
        found = {one.experiment_id: one for one in (find(store, reference) for reference in references)}
        for experiment_id, one in found.items():
            if one.lifecycle_stage != stage:
                store.update_experiment(experiment_id, lifecycle_stage=stage)
        return [store.get_experiment(experiment_id=experiment_id) for experiment_id in found]


def _place(artifacts: str | None) -> str | None:
    """The place of artifacts as a URI. Raises UsageError for what can be none."""
    if artifacts is None:
        return None
    from mlproj.artifacts.local import folder_of
    from mlproj.tracking import artifact_uri

    folder = None if artifacts.startswith("mlflow-artifacts:") else folder_of(artifacts)
    return artifact_uri.checked(artifacts) if folder is None else folder.expanduser().resolve().as_uri()


def _tell(experiments: Sequence[Experiment], what: str, as_json: bool, *, one: bool = False) -> None:
    if as_json:
        documents = [_document(experiment) for experiment in experiments]
        return print_document({"experiment": documents[0]} if one else {"experiments": documents})
    return print_lines(*(f"{what} {experiment.name} (id {experiment.experiment_id})" for experiment in experiments))


def _row(experiment: Experiment) -> list[str]:
    times = [quantity.moment(moment) for moment in (experiment.creation_time, experiment.last_update_time)]
    return [experiment.experiment_id, experiment.name, *times, experiment.artifact_location]


def _document(experiment: Experiment) -> dict[str, Any]:
    return {
        "experiment_id": experiment.experiment_id,
        "name": experiment.name,
        "lifecycle_stage": experiment.lifecycle_stage,
        "creation_time": experiment.creation_time,
        "last_update_time": experiment.last_update_time,
        "artifact_location": experiment.artifact_location,
        "tags": dict(experiment.tags),
    }
