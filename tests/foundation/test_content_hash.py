"""The hash of what files hold."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from mlproj.foundation.content_hash import measure


def test_a_file_is_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"data")

    assert measure(tmp_path / "f") == (hashlib.sha256(b"data").hexdigest(), 4)


def test_a_folder_is_its_names_and_contents(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "b").write_bytes(b"xy")
        (tmp_path / name / "a").write_bytes(b"z")
    assert measure(tmp_path / "one") == measure(tmp_path / "two")
    assert measure(tmp_path / "one")[1] == 3

    (tmp_path / "two" / "a").rename(tmp_path / "two" / "c")
    assert measure(tmp_path / "one") != measure(tmp_path / "two")


def test_links_that_lead_nowhere_and_pipes_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    empty = measure(tmp_path / "folder")
    (tmp_path / "folder" / "link").symlink_to("nowhere")
    (tmp_path / "folder" / "loop").symlink_to(".")
    os.mkfifo(tmp_path / "folder" / "pipe")

    assert measure(tmp_path / "folder") == empty
    assert measure(tmp_path / "folder" / "pipe") == (None, None)
    assert measure(tmp_path / "nothing") == (None, None)
    assert measure(tmp_path / ("x" * 5000)) == (None, None)
