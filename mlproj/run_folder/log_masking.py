"""Secrets out of the files that programs append lines to, once all lines were read.

Each is overwritten by as many asterisks as it has bytes, so that what was noted of the places in a file stays true.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from mlproj.foundation.redaction import looks_secret, secrets_in
from mlproj.run_folder import log_line

_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def mask_secrets(file: Path, *, has_texts: bool) -> None:
    """Overwrite credentials of addresses and values of secret variables in *file*.

    *has_texts*: its lines are parameters or tags, so that values whose name looks secret are overwritten as well.
    Raises OSError.
    """
    with os.fdopen(os.open(file, _FLAGS), "r+b") as stream:
        content = stream.read()
        masked = b"".join(_masked(line, has_texts) for line in content.splitlines(keepends=True))
        if masked != content:
            stream.seek(0)
            stream.write(masked)


def _masked(line: bytes, has_texts: bool) -> bytes:
    text = line.decode("utf-8", "surrogateescape")
    parts = {*secrets_in(text), *(_values(text.strip()) if has_texts else ())}
    for part in sorted(parts, key=len, reverse=True):
        written = part.encode("utf-8", "surrogateescape")
        line = line.replace(written, b"*" * len(written))
    return line


def _values(line: str) -> Iterator[str]:
    """The values of the line whose names look secret, as they may be written in it."""
    for name, value in log_line.texts(line)[0]:
        if value and looks_secret(name):
            yield value
            yield from (json.dumps(value, ensure_ascii=is_ascii)[1:-1] for is_ascii in (True, False))
