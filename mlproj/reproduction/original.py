"""A recorded run as something to be done again: its source, parameters, inputs and environment as they were."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mlproj import paths
from mlproj.artifacts import record
from mlproj.dataclass import replace
from mlproj.errors import SourceError, UsageError
from mlproj.locked import Locked
from mlproj.plan import RunRequest
from mlproj.projects.base import Command
from mlproj.redaction import MASK
from mlproj.sources.replayed import Kept, ReplayedSource
from mlproj.sources.work_tree import WorkTree
from mlproj.tracking.base import Run

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


def load(run: Run) -> Original:
    """What is known of how *run* was made. Raises UsageError when it is not over, or was not made by ``mlproj run``."""
    if not run.status.ended:
        raise UsageError(f"the run {run.run_name} is not over", hint=f"mlproj runs logs -f {run.run_id[:8]} waits for its end")
    content = record.read(run.run_id, run.artifact_uri, paths.PLAN)
    if content is None:
        raise UsageError(
            f"nothing is recorded of how the run {run.run_name} was made",
            hint="runs of mlproj run can be done again; runs that a program started by itself cannot",
        )
    try:
        plan = json.loads(content)["plan"]
        known = {name: plan[name] for name in ("source", "params", "environment", "entry_point")}
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"the plan of the run {run.run_name} cannot be read: {error!r}") from error
    return Original(run, {**plan, **known})


def request(original: Original, given: Mapping[str, Any], *, exact: bool, **options: Any) -> RunRequest:
    """What does *original* again with the parameters *given* instead of its own.

    With *exact* only values that were not recorded, because they are secret, may be given. *options* are further fields of the
    request. Raises UsageError for parameters that are not known, or missing.
    """
    plan, kept = original.plan, original.plan.get("options") or {}
    image = _image_of(original) if kept.get("in_container") is not None else None
    kind = plan["environment"].get("kind")
    return RunRequest(
        **{
            "uri": str(original.source["uri"]),
            "entry_point": plan["entry_point"],
            "parameters": _parameters(original, given, exact=exact),
            "experiment_name": original.run.experiment_name,
            "env_manager": "local" if kind == "system" else "auto",
            "infer": kept.get("infer", True),
            "isolated": True,
            "in_container": image,
            "build_image": bool(kept.get("build_image")),
            "docker_args": _docker_args(original, kept.get("docker_args") or {}),
            "sandbox": bool(kept.get("sandbox")),
            "inject_run_id": bool(kept.get("inject_run_id")),
            "variables": kept.get("variables") or {},
            "cwd": _cwd(original, kept.get("cwd")),
            "locked": locked(original),
            **options,
        }
    )


def source(original: Original) -> ReplayedSource:
    """Where its files come from, as they were."""
    run = original.run
    copy = paths.run_dir(run.run_id) / paths.PROJECT
    patch = record.read(run.run_id, run.artifact_uri, paths.DIFF) if original.source.get("dirty") else None
    return ReplayedSource(Kept(original.name, original.source, patch, copy if copy.is_dir() else None))


def with_latest_code(original: Original, asked: RunRequest) -> RunRequest:
    """*asked* with the source as it is now: the folder, or the newest commit of the branch that was asked for."""
    document, directory = original.source, (original.plan.get("project") or {}).get("directory")
    if document.get("kind") == "folder" and directory:
        return replace(asked, uri=str(directory))
    subdirectory = f"#{document['subdirectory']}" if document.get("subdirectory") else ""
    version = document.get("branch") if document.get("requested") == document.get("branch") else None
    return replace(asked, uri=f"{document['uri']}{subdirectory}", version=version)


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
    for then in original.plan.get("inputs") or ():
        name, sha256 = str(then.get("parameter")), then.get("sha256")
        found = now.get(name)
        if found is None:
            changed.append(f"{name}: {then.get('uri')} is not there any more")
        elif sha256 and found.sha256 != sha256:
            changed.append(f"{name}: {found.uri} holds something else than it did ({(found.sha256 or '')[:12]}, then {sha256[:12]})")
    if changed:
        listed = "\n  ".join(changed)
        raise SourceError(
            f"the inputs of {original.name} are not what they were:\n  {listed}",
            hint="put them back, or mlproj rerun takes them as they are",
        )


def _parameters(original: Original, given: Mapping[str, Any], *, exact: bool) -> dict[str, Any]:
    then: dict[str, Any] = dict(original.plan["params"])
    hidden = [name for name, value in then.items() if MASK in str(value)]
    if exact and (surplus := [name for name in given if name not in hidden]):
        raise UsageError(
            f"the parameter {surplus[0]!r} is what {original.name} recorded; another value would be another run",
            hint="mlproj rerun runs it again with other values",
        )
    missing = [name for name in hidden if name not in given]
    if missing:
        example = " ".join(f"-P {name}=…" for name in missing)
        raise UsageError(f"the value of {', '.join(missing)} is secret, and was not recorded", hint=f"add {example}")
    return {**then, **given}


def _docker_args(original: Original, then: Mapping[str, Any]) -> dict[str, Any]:
    hidden = next((name for name, value in then.items() if MASK in str(value)), None)
    if hidden is not None:
        raise UsageError(f"the value of --docker-args {hidden} of {original.name} is secret, and was not recorded")
    return dict(then)


def _cwd(original: Original, recorded: str | None) -> Path | None:
    """Where relative paths count from: where the user stood, unless that was in the project, of which this run has its own copy."""
    if recorded is None or not Path(recorded).is_dir():
        return None
    place = Path(str(original.source["uri"]))
    tree = WorkTree.around(place) if place.is_absolute() else None
    top = os.path.realpath(tree.top if tree else place)
    return None if place.is_absolute() and Path(os.path.realpath(recorded)).is_relative_to(top) else Path(recorded)


def _image_of(original: Original) -> str:
    """The very image that an environment was made in, by digest where a registry has it."""
    image = (original.run.environment or {}).get("image") or {}
    base = image.get("base") or image
    return str(base.get("digest") or base.get("name") or "")


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
