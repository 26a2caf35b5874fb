"""``mlproj models show``: what a model is, takes and needs, where it came from, and what is doubtful about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlproj.cli import options
from mlproj.cli.models import flags
from mlproj.cli.output import print_document, print_fields, print_heading, print_lines, print_prose, print_table
from mlproj.cli.reporter import make_reporter
from mlproj.cli.table import Column
from mlproj.foundation import quantity
from mlproj.models.signature import Column as ModelColumn
from mlproj.models.signature import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from mlproj.foundation.errors import Notice
    from mlproj.models.description import Described
    from mlproj.models.signature import Parameter, Schema

_COLUMNS = (Column("NAME", narrowest=8), Column("TYPE", narrowest=10), Column("REQUIRED", dispensable=1))
_MOST_IMPORTS = 12
_MOST_FILES = 30


@click.command("show")
@flags.model
@flags.environment
@options.verbosity
@options.as_json
def command(
    model: str, manager: str, as_of: str, with_mlflow: bool, offline: bool, verbosity: int, as_json: bool
) -> None:
    """Show a model: how it is loaded, what it takes and gives, its files, its environment here, and where it came from.

    Nothing of it is executed: what unpickling would import is read from its opcodes. Nothing is built.
    """
    from mlproj.models import description
    from mlproj.models.environment import EnvironmentOptions
    from mlproj.models.opened import open_model
    from mlproj.running.interruption import listening

    reporter = make_reporter(verbosity, json=as_json)
    chosen = EnvironmentOptions(manager, as_of, offline, with_mlflow, plan_only=True)
    with listening(), open_model(model, reporter, offline=offline) as opened:
        described = description.describe(opened, chosen, reporter)
        if as_json:
            print_document({"model": description.to_json(described)})
        else:
            _print(described)


def _print(described: Described) -> None:
    signature = described.opened.file.signature
    print_fields([(name, value) for name, value in _summary(described) if value])
    if signature:
        _print_schema("takes", signature.inputs)
        _print_schema("gives", signature.outputs)
        _print_params(signature.params or ())
    _print_environment(described)
    _print_imports(described)
    _print_files(described)
    _print_findings(described.findings)


def _summary(described: Described) -> Iterable[tuple[str, str]]:
    opened, file = described.opened, described.opened.file
    loader = str(file.pyfunc.get("loader_module") or "")
    return [
        ("model", opened.name),
        ("address", opened.address),
        ("flavors", ", ".join(file.native_flavors) or "none but a Python function"),
        ("loaded by", loader),
        ("saved", _saved(file.mlflow_version, file.created)),
        ("logged by", _origin(described)),
        ("aliases", ", ".join(opened.version.aliases) if opened.version else ""),
        ("size", f"{quantity.size(described.size)} in {len(described.files)} files"),
    ]


def _saved(mlflow_version: str | None, created: datetime | None) -> str:
    when = f"{created:%Y-%m-%d %H:%M} UTC" if created else ""
    return " ".join(part for part in (when, f"by MLflow {mlflow_version}" if mlflow_version else "") if part)


def _origin(described: Described) -> str:
    run = described.opened.run
    if run is None:
        known = described.opened.file.run_id
        return f"the run {known}, which is not in this store" if known else ""
    source = run.source or {}
    commit = source.get("commit") or run.tags.get("mlflow.source.git.commit")
    where = source.get("uri") or run.tags.get("mlflow.source.name")
    return (
        f"{run.run_name} ({run.run_id[:8]})"
        + (f", {where}" if where else "")
        + (f" at {commit[:12]}" if commit else "")
    )


def _print_schema(title: str, schema: Schema | None) -> None:
    if schema is None:
        return
    print_heading(title)
    if not schema:
        print_lines("  nothing")
        return
    rows = [[item.name or f"column {number}", *_kind(item)] for number, item in enumerate(schema, start=1)]
    print_table(_COLUMNS, rows, indent=2)


def _kind(item: ModelColumn | Tensor) -> tuple[str, str]:
    if isinstance(item, Tensor):
        return str(item), "yes"
    return str(item.type), "yes" if item.required else "no"


def _print_params(params: Sequence[Parameter]) -> None:
    if params:
        print_heading("parameters")
        print_fields({one.name: f"{one}, default {one.default!r}" for one in params}, indent=2)


def _print_environment(described: Described) -> None:
    from mlproj.running.plan import environment_line

    print_heading("environment")
    if described.environment is None:
        return print_prose(f"  none can be made: {described.environment_trouble}", hanging=2)
    found = described.environment
    for line in (environment_line(found).removeprefix("environment: "), *found.notes):
        print_prose(f"  {line}", hanging=4)
    return None


def _print_imports(described: Described) -> None:
    for name, found in described.imports.items():
        print_heading(f"{name} imports when it is loaded")
        shown = found.names[:_MOST_IMPORTS]
        more = len(found.names) - len(shown)
        print_lines(*(f"  {one}" for one in shown), *([f"  and {more} more, which --json has"] if more else []))
        if not found.complete:
            print_lines("  (it could be read in part only)")


def _print_files(described: Described) -> None:
    print_heading("files")
    shown = list(described.files.items())[:_MOST_FILES]
    print_fields({name: quantity.size(size) for name, size in shown}, indent=2)
    if len(described.files) > len(shown):
        print_lines(f"  and {len(described.files) - len(shown)} more, which --json has")


def _print_findings(found: Sequence[Notice]) -> None:
    if found:
        print_heading("to mend")
        for notice in found:
            print_prose(f"  {'error' if notice.is_error else 'warning'}: {notice}", hanging=4)
