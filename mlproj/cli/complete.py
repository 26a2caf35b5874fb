"""What the shell offers after Tab: entry points and parameters of a local project, recorded runs, built environments.

A completer is fast, says nothing when something is wrong, and never touches the network. Shells put what it offers on
the command line as it is, so names that a shell would act upon are not offered.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from mlproj.projects.base import Parameter, Project
    from mlproj.tracking.base import TrackingStore

    Offer = tuple[str, str | None]
    Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

_SAFE = re.compile(r"[\w.@%+:=/-]+", re.ASCII)
_MOST_RUNS = 50


def _completer(offers: Callable[[click.Context, str], Iterable[Offer]]) -> Completer:
    """A completer out of a function that yields (value, help): filtered, safe, and silent whatever goes wrong."""

    @functools.wraps(offers)
    def complete(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        try:
            found = list(offers(context, incomplete))
        except Exception:  # a Tab must never print a traceback into somebody's command line
            return []
        return [
            CompletionItem(value, help=help)
            for value, help in found
            if value.startswith(incomplete) and _SAFE.fullmatch(value)
        ]

    return complete


def projects(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Folders, which the shell finds by itself."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="dir")]


@_completer
def entry_points(context: click.Context, _incomplete: str) -> Iterable[Offer]:
    """The entry points of the local project."""
    for point in _project(context).entry_points.values():
        yield point.name, _line(point.description or point.command)


@_completer
def parameters(context: click.Context, incomplete: str) -> Iterable[Offer]:
    """``name=`` for each parameter of the chosen entry point; after ``name=`` its choices."""
    known = _project(context).entry_points
    chosen = context.params.get("entry_point") or ("main" if "main" in known or len(known) != 1 else next(iter(known)))
    declared = known[chosen].parameters
    name, equals, _value = incomplete.partition("=")
    if equals:
        return [(f"{name}={value}", None) for value in _values(declared[name])]
    return [(f"{parameter.name}=", _line(parameter.description or parameter.type)) for parameter in declared.values()]


@_completer
def runs(_context: click.Context, _incomplete: str) -> Iterable[Offer]:
    """Names and ids of recent runs."""
    return [("last", "the newest run"), *_recorded("active")]


@_completer
def deleted_runs(_context: click.Context, _incomplete: str) -> Iterable[Offer]:
    """Names and ids of deleted runs."""
    return _recorded("deleted")


@_completer
def experiments(_context: click.Context, _incomplete: str) -> Iterable[Offer]:
    """Names of experiments."""
    inventory = _store()
    return [(experiment.name, None) for experiment in inventory.list_experiments()] if inventory else []


@_completer
def deleted_experiments(_context: click.Context, _incomplete: str) -> Iterable[Offer]:
    """Names of deleted experiments."""
    inventory = _store()
    found = inventory.search_experiments(lifecycle_stage="deleted", limit=_MOST_RUNS).items if inventory else ()
    return [(experiment.name, f"id {experiment.experiment_id}") for experiment in found]


@_completer
def environments(_context: click.Context, _incomplete: str) -> Iterable[Offer]:
    """Keys of built environments."""
    from mlproj.environments.cache import inventory

    return [(one.key, f"Python {one.python}") for one in inventory.installed(with_size=False)]


@_completer
def keys(_context: click.Context, _incomplete: str) -> Iterable[Offer]:
    """Names of keys."""
    from mlproj.signing.keyring import Keyring

    return [(one.name, one.key.fingerprint) for one in Keyring().known()]


def _store() -> TrackingStore | None:
    """The store, where there is one in a file: nobody waits for a network at a tab."""
    from mlproj import tracking
    from mlproj.foundation import env_vars, paths

    uri = env_vars.TRACKING_URI.get()
    is_there = paths.database().exists() if uri is None else uri.startswith("sqlite:")
    return tracking.open() if is_there else None


def _recorded(stage: str) -> Iterable[Offer]:
    inventory = _store()
    found = inventory.list_runs(lifecycle_stage=stage, limit=_MOST_RUNS) if inventory else []
    return [(run.run_name, f"{run.status.value} {run.run_id[:8]}") for run in found] + [
        (run.run_id, run.run_name) for run in found
    ]


def _project(context: click.Context) -> Project:
    """The local project that the command line names so far. Raises whatever is wrong with it."""
    from mlproj.projects import load

    # An option that still lacks its value stops click's parser before it gives arguments their names.
    uri = next(iter(context.args), None) or context.params.get("uri") or "."
    where, _hash, inside = str(uri).partition("#")
    root = Path(where).expanduser()
    return load(root / inside, root=root)


def _values(parameter: Parameter) -> list[Any]:
    if parameter.choices:
        return [str(choice) for choice in parameter.choices]
    return ["true", "false"] if parameter.type == "bool" else []


def _line(text: str) -> str:
    """*text* as a short single line: completion scripts read one line for an offer."""
    from mlproj.cli.terminal import printable, shortened

    return shortened(printable(" ".join(text.split())), 60)
