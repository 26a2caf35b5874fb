"""What a packaged image says of itself and its launcher goes by, and what it cannot hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlproj import __version__
from mlproj.environments.base import Declaration
from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.locked import Given
from mlproj.foundation.redaction import MASK, mask_url
from mlproj.package import PackageRequest, entry_points
from mlproj.projects.base import Project
from mlproj.projects.file_system import exists
from mlproj.sources.base import Revision

_NOT_OF_CACHE = {"mlproj.image": ""}
"""Takes back the label of the image below, by which ``mlproj env prune`` finds what it may remove."""


@dataclass(frozen=True)
class Kept:
    """The entry point that runs where none is asked for (None: the project's own), with values of its parameters, but
    for those that mean nothing elsewhere: ``notes`` tell of these."""

    entry_point: str | None
    parameters: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def kept(wanted: PackageRequest, given: Given, project_dir: Path) -> Kept:
    """What is kept of the run that is packaged, or that a package was made of; *given* came with the files of the
    latter."""
    entry_point = wanted.request.entry_point or given.entry_point
    if wanted.original is not None:
        plan = wanted.original.plan
        values = {name: str(value) for name, value in plan["params"].items()}
        inputs = [str(one["parameter"]) for one in plan.get("inputs") or ()]
        secret = [name for name, value in values.items() if MASK in value]
    elif entry_point == given.entry_point:
        values, inputs, secret = dict(given.parameters), list(given.inputs), list(given.secret)
    else:
        return Kept(entry_point)
    elsewhere = [name for name in inputs if "://" not in values[name] and not _is_in(values[name], project_dir)]
    notes = [f"the value of {name} is secret and not in the image: docker run … -P {name}=…" for name in secret]
    notes += [
        f"{name} was {values[name]}, which is not in the image: docker run -v …, and -P {name}=…" for name in elsewhere
    ]
    return Kept(
        entry_point, {name: value for name, value in values.items() if name not in {*secret, *elsewhere}}, tuple(notes)
    )


def _is_in(value: str, project_dir: Path) -> bool:
    return not Path(value).is_absolute() and exists(project_dir / value)


def data(project: Project, kept: Kept, begin: str) -> dict[str, Any]:
    """What the launcher goes by; *begin* is what the shell does before a command."""
    return {
        "schema": 1,
        "project": project.name,
        "description": project.description,
        "file": project.file.name if project.file else None,
        "entry_point": kept.entry_point,
        "parameters": dict(kept.parameters),
        "begin": begin,
        "entry_points": [entry_points.document(point) for point in project.entry_points.values()],
    }


def labels(project: Project, revision: Revision, base: Mapping[str, Any], digest: str) -> dict[str, str]:
    """The annotations of OCI's image-spec; an empty one takes back what the image below says of itself."""
    is_local = revision.uri.startswith(("/", "file:"))  # where it was on this machine is nobody's business
    labels_found = {
        "title": project.name,
        "description": project.description,
        "revision": f"{revision.commit}-dirty" if revision.commit and revision.dirty else revision.commit,
        "version": revision.tag,
        "source": None if is_local else mask_url(revision.uri),
        "created": revision.commit_date.isoformat() if revision.commit_date else None,
        "base.name": base["name"],
        "base.digest": str(base["digest"] or "").rpartition("@")[2],
    }
    annotations = {f"org.opencontainers.image.{name}": str(value or "") for name, value in labels_found.items()}
    return {**annotations, "mlproj.version": __version__, "mlproj.digest": digest, **_NOT_OF_CACHE}


def not_in_it(declared: Declaration | None) -> Iterator[str]:
    """What ``docker_env`` asks for and only ``docker run`` can give."""
    options = declared.options if declared else {}
    for variable in filter(is_from_here, options.get("environment") or ()):
        yield f"docker_env takes the variable {variable} from where it runs: docker run -e {variable}"
    for volume in options.get("volumes") or ():
        yield f"docker_env's volume {volume} is given to docker run with -v"
    for name in ("gpus", "shm_size"):
        if options.get(name):
            yield f"docker_env's {name} is given to docker run with --{name.replace('_', '-')}"


def is_from_here(variable: Any) -> bool:
    """Whether a variable of ``docker_env`` is to be copied from where it runs."""
    return isinstance(variable, str) and "=" not in variable
