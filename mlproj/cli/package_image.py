"""``mlproj package --image``: an image with a project, or a run of one, that a container engine runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlproj.cli.output import print_document, print_lines
from mlproj.foundation.errors import UsageError
from mlproj.foundation.progress import Progress

if TYPE_CHECKING:
    from mlproj.package import PackageRequest
    from mlproj.package.image import Made

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
# As OCI's distribution-spec has it, with the tags of docker.
_NAME = re.compile(rf"(?:[A-Za-z0-9.\-]+(?::\d+)?/)?{_PART}(?:/{_PART})*(?::\w[\w.\-]{{0,127}})?", re.ASCII)


def checked(name: str | None, output: Path | None, flags: dict[str, Any]) -> str:
    """The name of the image. Raises UsageError for one that is none, and for options that do not go with it."""
    if name is None:
        raise UsageError(
            "neither a file nor an image is named", hint="-o NAME.mlproj writes a file, --image NAME makes an image"
        )
    if output is not None or flags["offline"] or flags["others"] or flags["no_python"]:
        raise UsageError(
            "-o, --offline, --platform and --no-python are for files, and --image makes an image", hint="leave them out"
        )
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of an image", hint="write for example team/project:1.0, in lower case"
        )
    return name


def make(
    wanted: PackageRequest, name: str, base: str | None, reporter: Progress, *, force: bool, as_json: bool
) -> None:
    """Make the image and say what it is."""
    from mlproj.package import image
    from mlproj.running.interruption import listening

    with listening():
        made = image.make(wanted, name, base, reporter, force=force)
    for note in made.notes:
        reporter.warn(note)
    if as_json:
        return print_document({"image": {**image_document(made), "notes": list(made.notes)}})
    return print_lines(*_description(made))


def image_document(made: Made) -> dict[str, Any]:
    """What was made, for ``--json``: sizes of layers in bytes."""
    return {
        "name": made.name,
        "id": made.id,
        "engine": made.engine,
        "base": dict(made.base),
        "layers": [
            {"of": of, "size": size, "reused": made.reused and of == "environment"} for of, size in made.layers.items()
        ],
        "files": made.files,
        "digest": made.digest,
    }


def layers_line(made: Made) -> str:
    """The layers with their sizes, for people."""
    from mlproj.foundation.quantity import size

    was_there = " (was there)" if made.reused else ""
    layers = [f"{of} {size(number)}{was_there if of == 'environment' else ''}" for of, number in made.layers.items()]
    return f"layers: {made.base['name']}, {', '.join(layers)}"


def _description(made: Made) -> list[str]:
    return [
        f"{made.name}: {made.id}",
        f"{layers_line(made)} with {made.files} files",
        f"to run it: {made.engine} run --rm {made.name}",
    ]
