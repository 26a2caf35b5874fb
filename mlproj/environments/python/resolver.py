"""Resolving packages into a ``pylock.toml``: first resolved, then installed, so that the environment is what its lock
says."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from mlproj.environments.python import lock
from mlproj.environments.python.lock import Ask, Refusal
from mlproj.environments.python.uv import Uv, failure

_UNDATED = re.compile(r"`([A-Za-z0-9_.]+?)-\d[^`]*` is missing an upload date")


def resolve(uv: Uv, ask: Ask, hint: str | None = None) -> str:
    """The lock for *ask*, as text. Raises :class:`EnvironmentFailure` with the resolver's reason."""
    said = try_resolve(uv, ask)
    if isinstance(said, str):
        return said
    reason = "\n".join(line for line in said.text.splitlines() if not _UNDATED.search(line))
    raise failure("the packages cannot be resolved" + _as_of(ask.moment), reason, hint=hint)


def try_resolve(uv: Uv, ask: Ask) -> str | Refusal:
    """The lock for *ask*, or why there is none."""
    from mlproj.environments.python import declared_hash

    if "--prefer-binary" in ask.requirements.options:
        # uv has no such wish. Wheels of everything, even of an older release, are what it asks for where there are any.
        preferred = _try_once(uv, replace(ask, only_binary=ask.only_binary | {":all:"}))
        found = _try_once(uv, ask) if isinstance(preferred, Refusal) else preferred
    else:
        found = _try_once(uv, ask)
    return found if isinstance(found, Refusal) else declared_hash.only_declared(ask.requirements, found)


def _try_once(uv: Uv, ask: Ask) -> str | Refusal:
    from mlproj.environments.python import legacy_metadata

    refusal = lock.compile_once(uv, ask)
    for _ in range(legacy_metadata.MOST_CORRECTIONS):
        if refusal is None:
            break
        undated = _undated(refusal, ask)
        if undated:
            uv.progress.note(
                f"the index of {', '.join(sorted(undated))} does not tell upload dates; taken without regard to the"
                " date"
            )
            ask = replace(ask, undated=ask.undated | undated)
        elif not legacy_metadata.correct(uv, refusal.text, ask):
            break
        refusal = lock.compile_once(uv, ask)
    return refusal or _with_fitting_numpy(uv, ask, (uv.folder / "pylock.toml").read_text("utf-8"))


def _with_fitting_numpy(uv: Uv, ask: Ask, text: str) -> str:
    """*text*, or the lock with NumPy 1 where wheels in it were compiled for that; a declaration that wants NumPy 2
    keeps it."""
    from mlproj.environments.python import numpy_abi

    broken = numpy_abi.broken_by_numpy_2(lock.packages(text))
    if not broken:
        return text
    bounded = replace(ask.requirements, constraints=(*ask.requirements.constraints, numpy_abi.CONSTRAINT))
    if lock.compile_once(uv, replace(ask, requirements=bounded)):
        return text
    uv.progress.note(
        f"{numpy_abi.CONSTRAINT} was added: {', '.join(broken)} was compiled for NumPy 1 and does not say so"
    )
    return (uv.folder / "pylock.toml").read_text("utf-8")


def _undated(refusal: Refusal, ask: Ask) -> frozenset[str]:
    """The packages asked for that uv passed over because nothing tells when they were uploaded (as on PyTorch's
    index)."""
    if ask.moment is None:
        return frozenset()
    return (
        frozenset(lock.normalise(name) for name in _UNDATED.findall(refusal.text))
        & {*lock.direct_names(ask.requirements)} - ask.undated
    )


def _as_of(moment: datetime | None) -> str:
    return f" as of {moment:%Y-%m-%d}" if moment else ""
