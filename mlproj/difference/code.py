"""Whether two runs ran the same code: commit, uncommitted changes, entry point, command."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mlproj.difference.causes import DIFFERS, SAME, UNKNOWN, Cause, changed, short
from mlproj.run_folder import record
from mlproj.sources import changed_files, patch
from mlproj.sources.changed_files import ChangedFile
from mlproj.tracking.base import Run
from mlproj.tracking.comparison import Fact, without_checkout

_NAMED = 5  # of many files, those that a verdict names


def find(runs: tuple[Run, Run], facts: Sequence[Fact]) -> tuple[Cause, Cause]:
    """The code as a cause, and files that earlier runs left behind as one.

    *facts* are those of the comparison of *runs*. Which files differ is listed where a copy of the repository is here.
    """
    changes = _uncommitted(runs)
    made = {output.path for run in runs for output in run.outputs}
    written = None if changes is None else [name for name in changes if name not in made]
    return _code(runs, facts, written), _leftovers([name for name in changes or () if name in made])


def _code(runs: tuple[Run, Run], facts: Sequence[Fact], written: Sequence[str] | None) -> Cause:
    differing = tuple(fact for fact in facts if fact.section == "code" and fact.differs)
    files = _changed_files(runs)
    reasons = [*_version_reasons(runs, files), *_change_reasons(written), *_command_reasons(runs, facts)]
    if reasons:
        return Cause("code", DIFFERS, f"the code differs: {'; '.join(reasons)}", differing, files)
    doubts = [f"no commit is recorded with {run.run_name}" for run in runs if not _version(run)]
    if written is None:
        doubts.append("uncommitted changes are not kept here")
    if doubts:
        return Cause("code", UNKNOWN, f"the code may differ: {'; '.join(doubts)}", differing, files)
    return Cause("code", SAME, f"the code is the same: {short(_version(runs[0]))}", (), files)


def _leftovers(names: Sequence[str]) -> Cause:
    """Files that the runs make themselves are no code; the program may read what an earlier run left all the same."""
    if names:
        return Cause(
            "leftovers", DIFFERS, f"files that the runs make were there before, and not the same: {_listed(names)}"
        )
    return Cause("leftovers", SAME, "earlier runs left nothing behind that differs")


def _version(run: Run) -> str | None:
    """What fixes the files of the run's code, but for uncommitted changes: a commit, or the digest of an archive."""
    source = run.source or {}
    return source.get("commit") or source.get("digest")


def _version_reasons(runs: tuple[Run, Run], files: Sequence[ChangedFile] | None) -> Iterator[str]:
    (one, other), (before, after) = ((run.source or {} for run in runs), map(_version, runs))
    if one.get("subdirectory") != other.get("subdirectory"):
        yield f"project {changed(*(source.get('subdirectory') or 'at the top' for source in (one, other)))}"
    if before and after and before != after:
        counted = "" if files is None else f", {len(files)} file{'' if len(files) == 1 else 's'} changed"
        yield (
            f"commits {short(before)}..{short(after)}{counted}"
            if one.get("commit")
            else f"contents {short(before)} -> {short(after)}"
        )


def _change_reasons(written: Sequence[str] | None) -> Iterator[str]:
    if written:
        yield f"uncommitted changes of {_listed(written)}"


def _command_reasons(runs: tuple[Run, Run], facts: Sequence[Fact]) -> Iterator[str]:
    """A command holds the values of parameters: where these differ, a difference of the command says nothing about the
    code."""
    one, other = runs
    if one.entry_point != other.entry_point:
        yield f"entry point {changed(one.entry_point, other.entry_point)}"
    elif not any(fact.differs for fact in facts if fact.section == "parameters"):
        before, after = map(_placeless_command, runs)
        if before != after:
            yield f"command {changed(before, after)}"


def _placeless_command(run: Run) -> str:
    """The run's command without the places of the project and of its inputs: the same code runs in many."""
    command = re.sub(r"(?<![^\s'\"=])[^\s'\"=]*/checkouts/…", "…", without_checkout(run.command or ""))
    for given in run.inputs:
        name = re.escape(str(given.get("uri") or "").rpartition("/")[2])
        command = (
            re.sub(rf"(?<![^\s'\"=])[^\s'\"=]*/{name}(?![^\s'\"])", f"{{{given.get('parameter')}}}", command)
            if name
            else command
        )
    place = str((run.source or {}).get("uri") or "")
    return command.replace(place, "…") if place.startswith("/") else command


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _changed_files(runs: tuple[Run, Run]) -> tuple[ChangedFile, ...] | None:
    sources = [run.source or {} for run in runs]
    before, after = (str(source.get("commit") or "") for source in sources)
    if before == after:
        return () if before else None
    return changed_files.between([str(source.get("uri") or "") for source in sources], before, after)


def _uncommitted(runs: tuple[Run, Run]) -> list[str] | None:
    """The files whose uncommitted changes are not the same in both runs; None where a patch is not to be had."""
    patches = []
    for run in runs:
        kept = record.read(run.run_id, run.artifact_uri, "diff.patch")
        if kept is None and (run.source or {}).get("dirty"):
            return None
        patches.append(patch.by_file(kept or b""))
    before, after = patches
    return sorted(name for name in before | after if before.get(name) != after.get(name))
