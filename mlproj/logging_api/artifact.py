"""Files kept with the active run."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from mlproj.foundation import file_tree
from mlproj.foundation.errors import ServiceError, UsageError
from mlproj.logging_api import fluent


def log_artifact(path: str | os.PathLike[str], artifact_path: str | None = None) -> None:
    """Keep a copy of a file (or of a folder, under its name), in the folder *artifact_path* of the run's artifacts.

    Raises UsageError when it is not there, or *artifact_path* leads out of the artifacts; ServiceError when it cannot
    be copied.
    """
    source = Path(path)
    if not source.exists():
        raise UsageError(f"there is no file {source}")
    target = _place(artifact_path) / source.absolute().name
    try:
        _copy_folder(source, target) if source.is_dir() else _copy(source, target)
    except OSError as error:
        raise ServiceError(f"cannot keep {source}: {error}") from error


def log_artifacts(local_dir: str | os.PathLike[str], artifact_path: str | None = None) -> None:
    """Keep copies of all that is in a folder."""
    source = Path(local_dir)
    if not source.is_dir():
        raise UsageError(f"there is no folder {source}")
    try:
        _copy_folder(source, _place(artifact_path))
    except OSError as error:
        raise ServiceError(f"cannot keep {source}: {error}") from error


def log_text(text: str, artifact_file: str) -> None:
    """Keep *text* as a file of this name among the artifacts, in UTF-8."""
    target = _place(artifact_file)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name[:200]}.{os.getpid()}.part")
        draft.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")
        draft.replace(target)
    except OSError as error:
        raise ServiceError(f"cannot keep {artifact_file}: {error}") from error


def log_dict(dictionary: Any, artifact_file: str) -> None:
    """Keep plain data as a file of this name among the artifacts: YAML when it ends in .yaml or .yml, else JSON."""
    try:
        if artifact_file.endswith((".yaml", ".yml")):
            import yaml

            text = yaml.safe_dump(dictionary, sort_keys=False, allow_unicode=True)
        else:
            text = json.dumps(dictionary, indent=2, ensure_ascii=False)
    except Exception as error:  # each of the two has errors of its own for what it cannot write
        raise UsageError(f"cannot write {artifact_file}: it must be plain data ({error!s:.200})") from error
    log_text(text, artifact_file)


def _place(path: str | None) -> Path:
    from mlproj.artifacts.base import parts_of

    parts = parts_of(path) if path else ()
    return fluent._active().artifact_dir.joinpath(*parts)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name[:200]}.{os.getpid()}.part")
    try:
        shutil.copyfile(source, draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _copy_folder(source: Path, target: Path) -> None:
    for where, folders, files in file_tree.walk(source):
        folders.sort()
        folder = target / Path(where).relative_to(source)
        folder.mkdir(parents=True, exist_ok=True)
        for name in sorted(files):
            if Path(where, name).is_file():
                _copy(Path(where, name), folder / name)
