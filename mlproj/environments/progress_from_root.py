"""What is said about a project's files names them from the project's root on: where the checkout lies means nothing to
people."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from mlproj.foundation.errors import MlprojError, Place
from mlproj.foundation.progress import Progress


class FromRoot:
    """Hands on to *progress* what is said, files below *root* without it."""

    def __init__(self, progress: Progress, root: Path) -> None:
        self._progress = progress
        self._prefix = f"{root}{os.sep}"

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
    def told(self) -> Iterator[Progress]:
        """This progress; errors that leave the block name files in the same way."""
        try:
            yield self
        except MlprojError as error:
            error.message = self._shortened(error.message)
            if error.place is not None:
                place = error.place
                error.place = Place(place.file.removeprefix(self._prefix), place.line, place.column, place.text)
            raise

    def _shortened(self, text: str) -> str:
        return text.replace(self._prefix, "")
