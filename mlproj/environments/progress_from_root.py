"""Progress messages that name a project's files as people find them.

From where they stand, and in a checkout, which means nothing to them, from the project's root on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from mlproj.foundation.errors import MlprojError, Place
from mlproj.foundation.progress import Progress
from mlproj.foundation.shown_path import from_here


class ProgressFromRoot:
    """Passes messages on to *progress*, with files below *root* named as people find them."""

    def __init__(self, progress: Progress, root: Path) -> None:
        self._progress = progress
        self._prefix = f"{root}{os.sep}"
        self._instead = from_here(root / "x", root).removesuffix("x")
        is_within = self._instead.startswith(os.pardir) and Path.cwd().is_relative_to(root)
        self._here = f"{Path.cwd()}{os.sep}" if is_within else None

    def note(self, text: str) -> None:
        """As the progress behind."""
        self._progress.note(self._shortened(text))

    def warn(self, text: str) -> None:
        """As the progress behind."""
        self._progress.warn(self._shortened(text))

    def step(self, text: str) -> AbstractContextManager[None]:
        """As the progress behind."""
        return self._progress.step(self._shortened(text))

    def detail(self, text: str) -> None:
        """As the progress behind."""
        self._progress.detail(self._shortened(text))

    @contextmanager
    def relayed(self) -> Iterator[Progress]:
        """This progress; errors that leave the block name files in the same way."""
        try:
            yield self
        except MlprojError as error:
            error.message = self._shortened(error.message)
            if error.place is not None:
                place = error.place
                error.place = Place(self._file(place.file), place.line, place.column, place.text)
            raise

    def _file(self, file: str) -> str:
        return self._shortened(file) if file.startswith(self._prefix) else file

    def _shortened(self, text: str) -> str:
        below = text.replace(self._here, "") if self._here else text
        return below.replace(self._prefix, self._instead)
