"""The lines that a run prints about its container before it starts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlproj.environments.containers.address import Route
from mlproj.environments.containers.engine import Engine
from mlproj.environments.containers.settings import Settings
from mlproj.foundation.redaction import redact


def notes(wanted: Settings, found: Engine, route: Route) -> tuple[str, ...]:
    """The engine, what does not get through, and what the user's own options change, a line each."""
    lines = [f"{found.name} {found.version}{' without root' if found.is_rootless else ''} runs the container"]
    if route.trouble:
        lines.append(route.trouble)
    if wanted.withheld:
        lines.append(f"withheld from the container, because they look secret: {', '.join(wanted.withheld)}")
    if wanted.is_sandbox:
        lines.append("MLflow's logging reaches the run by a Python 3 of the image, where it has one")
    if wanted.arguments:
        lines.append(f"{found.name} is given {' '.join(_masked(wanted.arguments))}")
    if wanted.is_copied:
        lines.append(
            "the project's files are copied into an image (--build-image): what the program changes among them is not"
            " kept"
        )
    return tuple(lines)


def _masked(words: Sequence[str]) -> Iterator[str]:
    """Options without the values of variables and secrets."""
    before = ""
    for word in words:
        name, equals, value = word.partition("=")
        if before == "-e":
            yield name
        elif name in ("--env", "--build-arg", "--secret") and equals:
            yield f"{name}={value.partition('=')[0]}"
        else:
            yield redact(word)
        before = word
