"""``mlproj package MODEL``: one file with a model and its environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlproj.foundation.errors import UsageError
from mlproj.foundation.progress import Progress

if TYPE_CHECKING:
    from mlproj.package import Made


def is_model(what: str) -> bool:
    """Whether *what* names a model, and neither a project nor a run."""
    if what.lower().startswith(("models:/", "runs:/")):
        return True
    place = Path(what)
    folder = place.parent if place.name == "MLmodel" else place
    return (folder / "MLmodel").is_file() and not (folder / "MLproject").is_file()


def make(what: str, output: Path, flags: dict[str, Any], reporter: Progress) -> Made:
    """Write the package. Raises UsageError for options that are for projects."""
    from mlproj.foundation import platforms
    from mlproj.models import packaging
    from mlproj.models.environment import EnvironmentOptions
    from mlproj.models.opened import open_model

    check(flags)
    wanted = packaging.PackageOptions(flags["offline"], platforms.parse(flags["others"]), not flags["no_python"])
    with open_model(what, reporter) as opened:
        return packaging.make(opened, EnvironmentOptions(), wanted, output, reporter)


def check(flags: dict[str, Any]) -> None:
    """Raises UsageError for options that a model has no use for."""
    if flags["version"] or flags["entry_point"] or flags["include"]:
        raise UsageError("-v, -e and --include are for projects, and this is a model", hint="leave them out")
