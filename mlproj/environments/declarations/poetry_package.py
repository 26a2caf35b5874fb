"""Whether a project that Poetry would build has anything to build."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mlproj.foundation import presence


def missing(folder: Path, data: dict[str, Any]) -> str | None:
    """Why the project in *folder* is no package of Poetry's, None when it is one.

    Without a list of packages Poetry takes the module or package of the project's own name, beside pyproject.toml or in
    ``src``.
    """
    poetry = (data.get("tool") or {}).get("poetry") or {}
    project = data.get("project") or {}
    if not isinstance(poetry, dict) or not isinstance(project, dict) or poetry.get("packages") or poetry.get("include"):
        return None
    name = str(project.get("name") or poetry.get("name") or "")
    if not name:
        return "it has no name, so that Poetry builds no package of it"
    module = re.sub(r"[-. ]+", "_", name).lower()
    places = [root / module for root in (folder, folder / "src")]
    if any(
        presence.is_folder(place)
        or presence.is_file(place.with_name(f"{module}.py"))
        or presence.is_folder(place.with_name(f"{module}-stubs"))
        for place in places
    ):
        return None
    return f"it has no package or module {module}, which Poetry would build"
