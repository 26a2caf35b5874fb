"""Files that a program logged as artifacts through MLflow, brought to where our run keeps its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlproj.foundation import file_tree
from mlproj.foundation.redaction import mask_url
from mlproj.mlflow_import.foreign_run import MlflowRun, local_path


@dataclass(frozen=True)
class Places:
    """Where a program ran, and the folders that its artifacts may be taken from."""

    working_folder: Path
    roots: tuple[Path, ...]

    def copy(self, logged: MlflowRun, artifact_uri: str) -> Iterator[str]:
        """Copy what *logged* has into the folder of *artifact_uri*; what could not be brought, and why, is yielded.

        A model of MLflow 3 becomes the folder of its name, where ``runs:/ID/NAME`` looks for it.
        """
        destination = Path(unquote(urlsplit(artifact_uri).path))
        yield from self._copy(logged.artifact_uri, destination)
        for model in logged.models:
            if Path(model.name).name != model.name or model.name in (".", ".."):
                yield f"the model {model.name!r} is not imported: its name is no file name"
                continue
            yield from self._copy(model.artifact_uri, destination / model.name)

    def _copy(self, uri: str, destination: Path) -> Iterator[str]:
        source = local_path(uri, self.working_folder)
        if source is None:
            if uri:
                yield f"artifacts stay where the program put them: {mask_url(uri)}"
            return
        if not source.is_dir():  # nothing was logged
            return
        # The address comes from a file that the program wrote: it must not make us copy any folder of the machine.
        if not any(source.resolve().is_relative_to(root.resolve()) for root in self.roots):
            yield f"artifacts stay where the program put them, outside its folder: {source}"
            return
        yield from _copy_tree(source, destination)


def _copy_tree(source: Path, destination: Path) -> Iterator[str]:
    """Copy plain files; a link is passed over, and the first fault of the disk ends it."""
    for folder, folders, files in file_tree.walk(source):
        folders[:] = sorted(name for name in folders if not (Path(folder) / name).is_symlink())
        target = destination / Path(folder).relative_to(source)
        for name in sorted(files):
            file = Path(folder) / name
            if file.is_symlink() or not file.is_file():
                continue
            try:
                target.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target / name, follow_symlinks=False)
            except OSError as trouble:
                yield f"artifacts in {source} are not all copied: {trouble}"
                return
