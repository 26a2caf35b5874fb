"""Finding the file that makes a folder a project."""

from __future__ import annotations

from pathlib import Path

from mlproj.projects import file_system

NAME = "MLproject"
_WITH_SUFFIX = (f"{NAME}.yaml", f"{NAME}.yml")


def find(directory: Path) -> tuple[Path | None, tuple[Path, ...]]:
    """The MLproject file of *directory* (None: there is none), and the other candidates that it won against.

    MLflow takes the first name that is ``mlproject`` in any case, in the order the file system lists them; here
    ``MLproject`` wins, then the first in the alphabet. ``MLproject.yaml`` and ``.yml``, which MLflow does not find,
    count when there is nothing else. A folder of that name is no candidate.
    """
    names = sorted((name for name in file_system.names(directory) if _rank(name) is not None), key=_order)
    candidates = [directory / name for name in names if file_system.is_file(directory / name)]
    return (candidates[0], tuple(candidates[1:])) if candidates else (None, ())


def may_be_project(name: str) -> bool:
    """Whether a file of this *name* may make its folder a project."""
    return _rank(name) is not None


def projects_below(directory: Path) -> list[str]:
    """Names of subfolders of *directory* that hold a project, for the hint that one of them was meant."""
    folders = [
        name
        for name in file_system.names(directory)
        if not name.startswith(".") and file_system.is_folder(directory / name)
    ]
    return [name for name in folders[:200] if find(directory / name)[0]]


def _rank(name: str) -> int | None:
    """The lower, the better; None for a name that is no candidate."""
    folded = name.lower()
    names = (NAME.lower(), *(one.lower() for one in _WITH_SUFFIX))
    return names.index(folded) if folded in names else None


def _order(name: str) -> tuple[int, bool, str]:
    return (_rank(name) or 0, not name.startswith(NAME), name)
