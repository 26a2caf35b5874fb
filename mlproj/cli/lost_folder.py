"""A current folder that was removed: what names a project by its whole path does not need one."""

from __future__ import annotations

import os
from pathlib import Path

from mlproj.foundation import presence


def leave(uri: str, *files: Path | None) -> None:
    """Go to the project's folder (that of an archive or package) when there is no current one, *uri* is a whole path,
    and so are the *files* that are named; else let the command say what is missing."""
    place = uri.partition("#")[0]
    whole = [place, *(str(file) for file in files if file is not None)]
    if presence.current_folder() is None and all(map(os.path.isabs, whole)) and presence.exists(place):
        os.chdir(place if presence.is_folder(place) else Path(place).parent)
