"""Only plain files are read from folders that others may write to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlproj.foundation import plain_file


def test_a_plain_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"content")
    with plain_file.opened(tmp_path / "a") as stream:
        assert stream.read() == b"content"


@pytest.mark.parametrize("kind", ["pipe", "link", "device", "folder", "nothing"])
def test_what_would_never_end_or_leads_elsewhere_is_not(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "a"
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "link":
        (tmp_path / "b").write_text("secret")
        place.symlink_to("b")
    elif kind == "folder":
        place.mkdir()
    with pytest.raises(OSError, match=r"no plain file|No such file|Too many levels|symbolic"):
        plain_file.opened(Path("/dev/zero") if kind == "device" else place)
