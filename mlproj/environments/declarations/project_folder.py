"""The project's own folder in the addresses of its requirements."""

from __future__ import annotations

import re
from pathlib import Path


def placed(requirement: str, folder: Path) -> str:
    """*requirement* with the project's folder where PDM (``${PROJECT_ROOT}``) and Hatch (``{root:uri}``) put it when
    they read it.

    https://hatch.pypa.io/latest/config/context/#paths
    """
    requirement = re.sub(r"(file:/{0,3})?\$\{PROJECT_ROOT\}", lambda _: folder.as_uri(), requirement)

    def root(found: re.Match[str]) -> str:
        steps = found[2].split(":")[1:]
        place = folder.resolve().joinpath(*[".."] * steps.count("parent")).resolve()
        return place.as_uri() if "uri" in steps or found[1] else str(place)

    return re.sub(r"(file:/{2,3})?\{root((?::\w+)*)\}", root, requirement)
