"""SHA-256 of files, streams and portions: the same as of the whole content, whatever the portions are."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from mlproj.foundation.digest import portions_of, sha256_of_file, sha256_of_portions, sha256_of_stream

LARGE = bytes(range(256)) * 10_000  # more than two portions


@pytest.mark.parametrize("content", [b"", b"x", LARGE])
def test_the_digest_is_that_of_the_whole_content(tmp_path: Path, content: bytes) -> None:
    expected = hashlib.sha256(content).hexdigest()
    file = tmp_path / "file"
    file.write_bytes(content)

    assert sha256_of_file(file) == expected
    assert sha256_of_stream(io.BytesIO(content)) == expected
    assert sha256_of_portions([content[:3], content[3:]]) == (expected, len(content))


def test_what_is_read_is_written_in_order() -> None:
    copy = io.BytesIO()
    digest = sha256_of_stream(io.BytesIO(LARGE), copy.write)
    assert copy.getvalue() == LARGE and digest == hashlib.sha256(LARGE).hexdigest()
    assert len(list(portions_of(io.BytesIO(LARGE)))) == 3


def test_a_stream_is_read_from_where_it_stands() -> None:
    stream = io.BytesIO(b"headbody")
    stream.seek(4)
    assert sha256_of_stream(stream) == hashlib.sha256(b"body").hexdigest()


def test_a_file_that_cannot_be_read_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sha256_of_file(tmp_path / "missing")
    with pytest.raises(IsADirectoryError):
        sha256_of_file(tmp_path)
