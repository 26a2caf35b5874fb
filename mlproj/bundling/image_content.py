"""What a packaged image says of itself and its launcher goes by, and what it cannot hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlproj import __version__
from mlproj.bundling import Wanted, entry_points
from mlproj.environments.base import Declaration
from mlproj.projects.base import Project
from mlproj.projects.file_system import exists
from mlproj.redaction import MASK, mask_url
from mlproj.reproduction.original import Original
from mlproj.sources.base import Revision

_NOT_OF_CACHE = {"mlproj.image": ""}
"""Takes back the label of the image below, by which ``mlproj env prune`` finds what it may remove."""


def data(project: Project, wanted: Wanted, kept: Mapping[str, str], begin: str) -> dict[str, Any]:
    """What the launcher goes by; *begin* is what the shell does before a command."""
    return {
        "schema": 1,
        "project": project.name,
        "description": project.description,
        "file": project.file.name if project.file else None,
        "entry_point": wanted.request.entry_point,
        "parameters": kept,
        "begin": begin,
        "entry_points": [entry_points.document(point) for point in project.entry_points.values()],
    }


def labels(project: Project, revision: Revision, base: Mapping[str, Any], digest: str) -> dict[str, str]:
    """The annotations of OCI's image-spec; an empty one takes back what the image below says of itself."""
    is_local = revision.uri.startswith(("/", "file:"))  # where it was on this machine is nobody's business
    told = {
        "title": project.name,
        "description": project.description,
        "revision": f"{revision.commit}-dirty" if revision.commit and revision.dirty else revision.commit,
        "version": revision.tag,
        "source": None if is_local else mask_url(revision.uri),
        "created": revision.commit_date.isoformat() if revision.commit_date else None,
        "base.name": base["name"],
        "base.digest": str(base["digest"] or "").rpartition("@")[2],
    }
    annotations = {f"org.opencontainers.image.{name}": str(value or "") for name, value in told.items()}
    return {**annotations, "mlproj.version": __version__, "mlproj.digest": digest, **_NOT_OF_CACHE}


def kept(original: Original | None, project_dir: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """The values of the run that is packaged, but for those that mean nothing elsewhere, and what is to be known of these."""
    if original is None:
        return {}, ()
    params = {name: str(value) for name, value in original.plan["params"].items()}
    here = {str(given["parameter"]): str(given["uri"]) for given in original.plan.get("inputs") or ()}
    secret = [name for name, value in params.items() if MASK in value]
    elsewhere = [name for name, value in here.items() if "://" not in value and not _is_in(value, project_dir)]
    notes = [f"the value of {name} is secret and not in the image: docker run … -P {name}=…" for name in secret]
    notes += [f"{name} was {here[name]}, which is not in the image: docker run -v …, and -P {name}=…" for name in elsewhere]
    return {name: value for name, value in params.items() if name not in {*secret, *elsewhere}}, tuple(notes)


def _is_in(value: str, project_dir: Path) -> bool:
    return not Path(value).is_absolute() and exists(project_dir / value)


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
