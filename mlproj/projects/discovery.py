"""Finding the file that makes a folder a project."""

from __future__ import annotations

from pathlib import Path

NAME = "MLproject"
_WITH_SUFFIX = (f"{NAME}.yaml", f"{NAME}.yml")


def find(directory: Path) -> tuple[Path | None, tuple[Path, ...]]:
    """The MLproject file of *directory* (None: there is none), and the other candidates that it won against.

    MLflow takes the first name that is ``mlproject`` in any case, in the order the file system lists them; here
    ``MLproject`` wins, then the first in the alphabet. ``MLproject.yaml`` and ``.yml``, which MLflow does not find,
    count when there is nothing else. A folder of that name is no candidate.
    """
    candidates = sorted((path for path in _entries(directory) if _rank(path.name) is not None and path.is_file()), key=_order)
    return (candidates[0], tuple(candidates[1:])) if candidates else (None, ())


def projects_below(directory: Path) -> list[str]:
    """Names of subfolders of *directory* that hold a project, for the hint that one of them was meant."""
    folders = sorted(path for path in _entries(directory) if not path.name.startswith(".") and path.is_dir() and not path.is_symlink())
    return [folder.name for folder in folders[:200] if find(folder)[0]]


def _entries(directory: Path) -> list[Path]:
    try:
        return list(directory.iterdir())
    except OSError:
        return []


def _rank(name: str) -> int | None:
    """The lower, the better; None for a name that is no candidate."""
    folded = name.lower()
    names = (NAME.lower(), *(one.lower() for one in _WITH_SUFFIX))
    return names.index(folded) if folded in names else None


def _order(path: Path) -> tuple[int, bool, str]:
    return (_rank(path.name) or 0, not path.name.startswith(NAME), path.name)
