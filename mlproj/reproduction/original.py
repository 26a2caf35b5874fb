"""A recorded run as something to be done again: its source, parameters, inputs and environment as they were."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mlproj.foundation import paths
from mlproj.foundation.dataclass import replace
from mlproj.foundation.errors import SourceError, UsageError
from mlproj.foundation.locked import Locked
from mlproj.foundation.redaction import MASK
from mlproj.foundation.tree_digest import MASKED, SNAPSHOT
from mlproj.projects.base import Command
from mlproj.run_folder import outputs, record
from mlproj.running import machine
from mlproj.running.plan import STAND_IN, RunRequest
from mlproj.running.recording import TIMEOUT_EXIT_CODE
from mlproj.sources.replayed import Kept, ReplayedSource
from mlproj.sources.work_tree import WorkTree
from mlproj.tracking.base import Run, Status

REPRODUCES = "mlproj.reproduces"
"""The tag of a run that was made to reproduce another one, whose id it has."""
RERUNS = "mlproj.reruns"
"""The tag of a run that repeats another one with other parameters."""


@dataclass(frozen=True)
class Original:
    """A run and the plan that it followed, as ``plan.json`` has it."""

    run: Run
    plan: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The run for people."""
        return f"the run {self.run.run_name} ({self.run.run_id[:8]})"

    @property
    def source(self) -> Mapping[str, Any]:
        """``source`` of the record."""
        found: Mapping[str, Any] = self.plan["source"]
        return found

    @property
    def options(self) -> Mapping[str, Any]:
        """What was asked for besides source, parameters and environment."""
        found: Mapping[str, Any] = self.plan["options"]
        return found

    @property
    def variables(self) -> dict[str, str | None]:
        """The variables that change results as the command had them, None for those that were not set; empty where that
        is not recorded.

        Those that mean something on one machine only are left out.
        """
        recorded = ((self.run.environment or {}).get("machine") or {}).get("variables")
        if recorded is None:
            return {}
        then = {name: recorded.get(name) for name in machine.VARIABLES if name not in machine.OF_ONE_MACHINE}
        return {name: value for name, value in then.items() if MASK not in str(value)}


def load(run: Run) -> Original:
    """What is known of how *run* was made. Raises UsageError when it is not over, or was not made by ``mlproj run``."""
    if not run.status.ended:
        raise UsageError(
            f"the run {run.run_name} is not over", hint=f"mlproj runs logs -f {run.run_id[:8]} waits for its end"
        )
    content = record.read(run.run_id, run.artifact_uri, paths.PLAN)
    if content is None:
        raise UsageError(
            f"nothing is recorded of how the run {run.run_name} was made",
            hint="runs of mlproj run can be done again; runs that a program started by itself cannot",
        )
    try:
        return Original(run, _checked(json.loads(content)["plan"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"the plan of the run {run.run_name} cannot be read: {error!r}") from error


_PARTS = {
    **dict.fromkeys(("source", "params", "environment", "options"), dict),
    **dict.fromkeys(("inputs", "defaults", "without_value"), list),
    "entry_point": str,
}
_MAY_LACK: dict[str, Any] = {
    "options": {},
    "inputs": [],
    "defaults": [],
    "without_value": [],
}  # of runs of earlier versions


def _checked(plan: Any) -> Mapping[str, Any]:
    """*plan* when its parts are what they should be: it may come from a server. Raises KeyError, TypeError."""
    known = {**_MAY_LACK, **plan}
    for name, kind in _PARTS.items():
        if not isinstance(known[name], kind):
            raise TypeError(f"{name} is a {type(known[name]).__name__}")
    if not isinstance(known["source"].get("uri"), str):
        raise TypeError("source names no uri")
    return known


def check_has_result(original: Original) -> None:
    """See that there is something to compare with. Raises UsageError for a run that somebody ended."""
    run = original.run
    if run.status is Status.KILLED and not (run.exit_code == TIMEOUT_EXIT_CODE and original.options.get("timeout")):
        raise UsageError(
            f"{original.name} was ended from outside ({run.status_reason or 'killed'}), so it came to no result that"
            " could be compared",
            hint=f"mlproj rerun {run.run_id[:8]} does it from the start",
        )


def lacking(original: Original) -> tuple[str, ...]:
    """What lies in the folder that was run and is not in its repository, as Git ignores it; caches and what the run
    made do not count."""
    if original.source.get("kind") != "folder" or not original.source.get("commit"):
        return ()
    below = str(original.source.get("subdirectory") or "")
    folder = _top(original) / below
    tree = WorkTree.around(folder) if folder.is_dir() else None
    found = {f"{below}/{name}" if below else name for name in tree.ignored(folder)} if tree else set()
    made = {output.path for output in original.run.outputs}
    return tuple(sorted(path for path in found - made if not outputs.SKIPPED.intersection(path.split("/"))))


def request(original: Original, given: Mapping[str, Any], *, exact: bool, **options: Any) -> RunRequest:
    """What does *original* again with the parameters *given* instead of its own.

    With *exact* only values that were not recorded, because they are secret, may be given. *options* are further fields
    of the request; ``variables`` are added to those of then. Raises UsageError for parameters that are not known, or
    missing.
    """
    kept = original.options
    return RunRequest(
        **{
            "uri": str(original.source["uri"]),
            "entry_point": original.plan["entry_point"],
            "parameters": _parameters(original, given, exact=exact),
            "experiment_name": original.run.experiment_name,
            "infer": kept.get("infer", True) is not False,
            "isolated": True,
            "in_container": _image_of(original) if kept.get("in_container") is not None else None,
            "build_image": bool(kept.get("build_image")),
            "docker_args": _shown(original, "--docker-args", kept.get("docker_args")),
            "sandbox": bool(kept.get("sandbox")),
            "stand_in": kept["stand_in"] if kept.get("stand_in") in STAND_IN else "auto",
            "inject_run_id": bool(kept.get("inject_run_id")),
            "timeout": kept["timeout"] if isinstance(kept.get("timeout"), (int, float)) else None,
            "cwd": _cwd(original, kept.get("cwd")),
            "locked": locked(original),
            **options,
            "variables": {**_shown(original, "the variable", kept.get("variables")), **options.get("variables", {})},
        }
    )


def source(original: Original) -> ReplayedSource:
    """Where its files come from, as they were."""
    run = original.run
    copy = paths.run_dir(run.run_id) / paths.PROJECT
    has_copy = original.source.get("kind") == "folder" and not original.source.get("commit") and copy.is_dir()
    patch = record.read(run.run_id, run.artifact_uri, paths.DIFF) if original.source.get("dirty") else None
    digest = (run.source or {}).get(SNAPSHOT)
    return ReplayedSource(
        Kept(original.name, original.source, patch, copy if has_copy else None, str(digest) if digest else None)
    )


def with_latest_code(original: Original, asked: RunRequest) -> RunRequest:
    """*asked* with the source as it is now: the folder, or the newest commit of the branch that was asked for."""
    document = original.source
    subdirectory = str(document.get("subdirectory") or "")
    if document.get("kind") == "folder" and document.get("commit"):
        return replace(asked, uri=str(_top(original) / subdirectory))
    version = document.get("branch") if document.get("requested") == document.get("branch") else None
    return replace(
        asked, uri=f"{document['uri']}#{subdirectory}" if subdirectory else str(document["uri"]), version=version
    )


def locked(original: Original) -> Locked:
    """Its environment as its lock says."""
    environment = original.run.environment or {}
    as_of = environment.get("as_of")
    return Locked(
        of=original.name,
        kind=str(environment.get("kind")),
        manager=str(environment.get("manager")),
        python=environment.get("python"),
        as_of=datetime.fromisoformat(as_of.replace("Z", "+00:00")) if as_of else None,
        lock=_lock_file(original.run, environment.get("lock")),
        image=environment.get("image") or {},
    )


def check_inputs(original: Original, command: Command) -> None:
    """See that the files which parameters name hold what they held then. Raises SourceError for those that do not."""
    now = {given.parameter: given for given in command.inputs}
    changed = []
    for then in original.plan["inputs"]:
        name, sha256 = str(then.get("parameter")), then.get("sha256")
        found = now.get(name)
        if found is None:
            changed.append(f"{name}: {then.get('uri')} is not there any more")
        elif sha256 and found.sha256 != sha256:
            changed.append(
                f"{name}: {found.uri} has other content than before ({(found.sha256 or '')[:12]}, then {sha256[:12]})"
            )
    if changed:
        listed = "\n  ".join(changed)
        raise SourceError(
            f"the inputs of {original.name} are not what they were:\n  {listed}",
            hint="put them back, or mlproj rerun takes them as they are",
        )


def hidden(original: Original) -> list[str]:
    """The parameters whose values were not recorded, as they are secret: those that were given, and defaults that are
    masked in the copy of the project."""
    given = [name for name, value in _given(original).items() if MASK in str(value)]
    noted = (original.run.source or {}).get(MASKED)
    masked = noted if isinstance(noted, list) else []
    return given + [name for name in original.plan["defaults"] if name in masked and name not in given]


def _given(original: Original) -> dict[str, Any]:
    """The values that were given; defaults are the code's own."""
    then = {name: value for name, value in original.plan["params"].items() if name not in original.plan["defaults"]}
    return {**then, **dict.fromkeys(original.plan["without_value"])}


def _parameters(original: Original, given: Mapping[str, Any], *, exact: bool) -> dict[str, Any]:
    unknown = hidden(original)
    if exact and (surplus := [name for name in given if name not in unknown]):
        raise UsageError(
            f"the parameter {surplus[0]!r} is what {original.name} recorded; another value would be another run",
            hint="mlproj rerun runs it again with other values",
        )
    missing = [name for name in unknown if name not in given]
    if missing:
        example = " ".join(f"-P {name}=…" for name in missing)
        raise UsageError(f"the value of {', '.join(missing)} is secret, and was not recorded", hint=f"add {example}")
    return {**_given(original), **given}


def _shown(original: Original, what: str, then: Mapping[str, Any] | None) -> dict[str, Any]:
    """*then* when none of its values is one that was not recorded. Raises UsageError."""
    hidden = next((name for name, value in (then or {}).items() if MASK in str(value)), None)
    if hidden is not None:
        raise UsageError(f"the value of {what} {hidden} of {original.name} is secret, and was not recorded")
    return dict(then or {})


def _cwd(original: Original, recorded: str | None) -> Path | None:
    """Where relative paths count from: where the user stood. In the project that is a place in the copy, known from its
    root."""
    if recorded is None or original.source.get("kind") != "folder":
        return None if recorded is None else Path(recorded)
    top, real = os.path.realpath(_top(original)), Path(os.path.realpath(recorded))
    return real.relative_to(top) if real.is_relative_to(top) else Path(recorded)


def _top(original: Original) -> Path:
    """What a folder's checkout is made of: its Git work tree, or itself."""
    folder = Path(str(original.source["uri"]))
    tree = WorkTree.around(folder) if original.source.get("commit") else None
    return tree.top if tree else folder


def _image_of(original: Original) -> str:
    """The very image that an environment was made in, by digest where a registry has it."""
    image = (original.run.environment or {}).get("image") or {}
    base = image.get("base") or image
    return str(base.get("digest") or base.get("id") or base.get("name") or "")


def _lock_file(run: Run, name: Any) -> Path | None:
    if not isinstance(name, str) or not name or "/" in name:
        return None
    here = paths.run_dir(run.run_id) / name
    if here.is_file():
        return here
    content = record.read(run.run_id, run.artifact_uri, name)
    if content is None:
        return None
    fetched = paths.cache() / "locks" / run.run_id / name
    paths.write_atomic(fetched, content)
    return fetched
