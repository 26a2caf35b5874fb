"""Resolving packages into a ``pylock.toml``: first resolved, then installed, so that the environment is what its lock
says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.package_name import canonical
from mlproj.environments.python import lock
from mlproj.environments.python.lock import Refusal, ResolveRequest
from mlproj.environments.python.uv import Uv, failure
from mlproj.foundation.dataclass import replace

_UNDATED = re.compile(r"`([A-Za-z0-9_.]+?)-\d[^`]*` is missing an upload date")

_LATE = re.compile(
    r"`([A-Za-z0-9_.-]+)` was filtered by `exclude-newer` [^\n]*?(?:The requested version, v(\S+), was published at"
    r"|The latest version satisfying the requirement is \S+ published at) (\d{4}-\d\d-\d\d)"
)
_YANKED = re.compile(r"Because (?:all versions of )?(\S+) (?:was|were) yanked")


def resolve(uv: Uv, ask: ResolveRequest, hint: str | None = None) -> str:
    """The lock for *ask*, as text. Raises :class:`EnvironmentFailure` with the resolver's reason."""
    outcome = try_resolve(uv, ask)
    if isinstance(outcome, str):
        return outcome
    from mlproj.environments.python import conflict

    reason = "\n".join(line for line in outcome.text.splitlines() if not _UNDATED.search(line))
    meeting = conflict.found(reason, ask.requirements) or conflict.together(reason, ask.requirements)
    # No date makes two pins agree.
    hint = _relaxing(uv, ask, meeting.names) if meeting else _about_yanked(uv, ask, reason) or hint
    conflict_text = f": {meeting.sentence}" if meeting else ""
    error = failure("the packages cannot be resolved" + _as_of(ask.moment) + conflict_text, reason, hint=hint)
    if unset := _unset(ask.requirements):
        error.hint = f"the environment variable {unset}, which the address of an index names, is not set: set it"
    raise error


def _about_yanked(uv: Uv, ask: ResolveRequest, reason: str) -> str | None:
    """What to do about releases that their authors withdrew (PEP 592), None where the resolver names none; whether
    today's packages help was tried."""
    found = _YANKED.search(reason)
    if found is None:
        return None
    name = found[1].partition("==")[0]
    hint = f"the authors of {name} withdrew it (yanked); an exact pin ({name}==VERSION) takes it all the same"
    helps = ask.moment is not None and not isinstance(_try_once(uv, replace(ask, moment=None)), Refusal)
    return f"{hint}, and --as-of today a later one" if helps else hint


def _relaxing(uv: Uv, ask: ResolveRequest, names: Sequence[str]) -> str:
    """Which of the pins of *names* can give way, as was tried."""
    from mlproj.environments.python import relaxation

    for name in names:
        if relaxation.is_pinned(name, ask.requirements):
            loose = replace(ask, requirements=relaxation.loosened(ask.requirements, name))
            if not isinstance(_try_once(uv, loose), Refusal):
                return f"--relax {name} takes the version nearest to the pin that fits; or change one of the two"
    return "change one of the two in the project: they are its own"


def _unset(requirements: Requirements) -> str | None:
    """A variable in the address of an index that has no value here, and so stayed as it was written."""
    addresses = " ".join(lock.index_options(requirements.options))
    found = re.search(r"\$\{([A-Z0-9_]+)\}", addresses)
    return found[1] if found else None


def try_resolve(uv: Uv, ask: ResolveRequest) -> str | Refusal:
    """The lock for *ask*, with the pins loosened that may be, or why there is none."""
    if not ask.requirements.relaxed:
        return _try_declared(uv, ask)
    from mlproj.environments.python import relaxation

    found, notes = relaxation.resolved(
        ask.requirements, ask.requirements.relaxed, lambda asked: _try_declared(uv, replace(ask, requirements=asked))
    )
    for note in notes:
        uv.progress.note(note)
    return found


def _try_declared(uv: Uv, ask: ResolveRequest) -> str | Refusal:
    from mlproj.environments.python import declared_hash

    if "--prefer-binary" in ask.requirements.options:
        # uv has no such option. Wheels of everything, even of an older release, are what it asks for where there are
        # any.
        preferred = _try_once(uv, replace(ask, only_binary=ask.only_binary | {":all:"}))
        found = _try_once(uv, ask) if isinstance(preferred, Refusal) else preferred
    else:
        found = _try_once(uv, ask)
    return found if isinstance(found, Refusal) else declared_hash.only_declared(ask.requirements, found)


def _try_once(uv: Uv, ask: ResolveRequest) -> str | Refusal:
    from mlproj.environments.python import legacy_metadata

    refusal = lock.compile_once(uv, ask)
    for _ in range(legacy_metadata.MOST_CORRECTIONS):
        if refusal is None:
            break
        undated = _undated(refusal, ask)
        if undated:
            for note in undated.values():
                uv.progress.note(note)
            ask = replace(ask, undated=ask.undated | undated.keys())
        elif not legacy_metadata.correct(uv, refusal.text, ask):
            break
        refusal = lock.compile_once(uv, ask)
    return refusal or _with_fitting_numpy(uv, ask, (uv.folder / "pylock.toml").read_text("utf-8"))


def _with_fitting_numpy(uv: Uv, ask: ResolveRequest, text: str) -> str:
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


def _undated(refusal: Refusal, ask: ResolveRequest) -> Mapping[str, str]:
    """The packages that the date cannot bound, with what is told of each."""
    if ask.moment is None:
        return {}
    direct = {*lock.direct_names(ask.requirements)}
    silent = {canonical(name) for name in _UNDATED.findall(refusal.text)} & direct
    notes = {
        name: f"the index of {name} does not tell upload dates; taken without regard to the date" for name in silent
    }
    if late := _LATE.search(refusal.text):
        name, version, published = canonical(late[1]), late[2], late[3]
        # An old release may have been uploaded anew, and a pin leaves nothing for the date to choose.
        if version:
            notes[name] = (
                f"{name}=={version} is pinned and was uploaded on {published}; taken without regard to the date"
            )
        elif name not in direct and re.search(rf"no versions of {re.escape(late[1])} and", _one_line(refusal.text)):
            notes[name] = (
                f"packages of the time need {name}, which was uploaded later; taken without regard to the date"
            )
    return {name: note for name, note in notes.items() if name not in ask.undated}


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _as_of(moment: datetime | None) -> str:
    return f" as of {moment:%Y-%m-%d}" if moment else ""
