"""Kinds of things (sources, environments, backends …) found by name and imported only when chosen."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from mlproj.foundation.errors import UsageError, did_you_mean


def load(group: str, name: str, builtin: Mapping[str, str]) -> Any:
    """The object that *name* stands for: ``module:attribute`` in *builtin*, else an installed entry point of *group*.

    Raises :class:`UsageError` for an unknown name, listing those that are known.
    """
    if name in builtin:
        module, _, attribute = builtin[name].partition(":")
        return getattr(import_module(module), attribute)
    from importlib.metadata import entry_points

    installed = {point.name: point for point in entry_points(group=group)}
    if name in installed:
        return installed[name].load()
    known = sorted({*builtin, *installed})
    guess = did_you_mean(name, known)
    kind = group.rpartition(".")[2].removesuffix("s")
    raise UsageError(
        f"there is no {kind} called {name!r}" + (f"; did you mean {guess!r}?" if guess else ""),
        hint=f"known: {', '.join(known)}",
    )
