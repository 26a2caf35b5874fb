"""Where a run's program puts files to be kept: the folder of the run's artifacts, or one beside the run that is sent
there."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlproj.foundation import file_tree
from mlproj.tracking.base import Run


def make(run: Run, run_dir: Path) -> Path:
    """The folder for *run*'s program; made when missing. Raises OSError."""
    is_here = run.artifact_uri.startswith("file:")
    folder = Path(unquote(urlsplit(run.artifact_uri).path)) if is_here else run_dir / "artifacts"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def keep(run: Run, folder: Path) -> None:
    """See that what is in *folder* is among the artifacts, and leave no empty folder. Raises OSError and
    MlprojError."""
    try:
        folder.rmdir()
        folder.parent.rmdir()  # of a run's artifacts, or not empty
    except OSError:
        if not run.artifact_uri.startswith("file:"):
            _send(folder, run.artifact_uri)


def _send(folder: Path, uri: str) -> None:
    import shutil

    from mlproj import artifacts

    store = artifacts.open_recorded(uri)
    for where, folders, files in file_tree.walk(folder):
        folders.sort()
        for name in sorted(files):
            file = Path(where, name)
            if file.is_symlink() or not file.is_file():
                continue
            with file.open("rb") as source, store.create(file.relative_to(folder).as_posix()) as write:
                while block := source.read(1 << 20):
                    write(block)
    shutil.rmtree(folder)
