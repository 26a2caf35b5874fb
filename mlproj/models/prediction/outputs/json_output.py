"""MLflow's JSON: ``{"predictions": …}``, as its server and its ``mlflow models predict`` write it."""

from __future__ import annotations

import json
import shutil
import tempfile
from typing import IO

from mlproj.models.prediction.answer import Answer
from mlproj.models.prediction.request import InvalidData


class JsonOutput:
    """One document. Lists go on from portion to portion; those of an answer of several, below names, are put aside
    until the end."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._shape: str | None = None
        self._bare = False
        self._begun = False
        self._aside: dict[str, IO[bytes]] = {}

    def write(self, answer: Answer) -> None:
        """Add it to the list or lists."""
        shape = answer.header["shape"]
        if self._shape is None:
            self._shape, self._bare = shape, bool(answer.header.get("bare"))
            self._stream.write(b"" if self._bare else b'{"predictions": ')
            self._stream.write(b"[" if shape == "list" else b"")
        elif shape != self._shape or shape == "value":
            raise InvalidData(
                f"{answer.portion.place(None, None)}: the model's answer is no list, so it must be asked at once",
                hint="give --batch-rows as many rows as the input has",
            )
        if shape == "lists":
            self._put_aside(answer)
        elif len(answer.body):
            self._stream.write(b", " if self._begun else b"")
            self._stream.write(answer.body)
            self._begun = True

    def _put_aside(self, answer: Answer) -> None:
        start = 0
        for name, size in zip(answer.header["names"], answer.header["sizes"], strict=True):
            if name not in self._aside:
                self._aside[name] = tempfile.TemporaryFile()  # noqa: SIM115  # closed when it is written
            file = self._aside[name]
            part = answer.body[start : start + size]
            file.write(b", " if file.tell() and size else b"")
            file.write(part)
            start += size

    def end(self) -> None:
        """Close what is open."""
        if self._shape is None:
            self._stream.write(b'{"predictions": []}')
            return
        if self._shape == "lists":
            self._write_lists()
        self._stream.write(b"]" if self._shape == "list" else b"")
        self._stream.write(b"" if self._bare else b"}")

    def _write_lists(self) -> None:
        before = b"{"
        for name, file in self._aside.items():
            self._stream.write(before + json.dumps(name).encode() + b": [")
            file.seek(0)
            shutil.copyfileobj(file, self._stream)
            file.close()
            self._stream.write(b"]")
            before = b", "
        self._stream.write(b"}")
