"""A package is written whole or not at all, and the same content is the same bytes."""

from __future__ import annotations

import fcntl
import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from mlproj.foundation.errors import ServiceError, SourceError
from mlproj.package.format import reading, writing
from mlproj.package.format.manifest import Manifest, Member


def written(target: Path, files: dict[str, Path]) -> Path:
    members = {
        name: Member(target=os.readlink(file)) if file.is_symlink() else writing.member_of(file)
        for name, file in files.items()
    }
    writing.write(target, Manifest("0", {"uri": "p", "kind": "folder"}, "", members), files)
    return target


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "a").write_text("a")
    (tmp_path / "run").write_text("#!/bin/sh\n")
    (tmp_path / "run").chmod(0o700)
    (tmp_path / "link").symlink_to("a")
    return {f"project/{name}": tmp_path / name for name in ("run", "link", "a")}


def test_the_same_files_make_the_same_bytes(tmp_path: Path, files: dict[str, Path]) -> None:
    first = written(tmp_path / "1.mlproj", files).read_bytes()
    for file in ("a", "run"):
        os.utime(tmp_path / file, (1, 1))
        (tmp_path / file).chmod(0o755 if file == "run" else 0o600)

    second = written(tmp_path / "2.mlproj", dict(reversed(files.items()))).read_bytes()

    assert first == second
    with zipfile.ZipFile(tmp_path / "1.mlproj") as archive:
        assert archive.namelist() == ["mlproj.json", "project/a", "project/link", "project/run"]
    with reading.opened(tmp_path / "1.mlproj") as bundle:
        assert not list(bundle.faults())
        assert bundle.digest == hashlib.sha256(bundle.manifest.text().encode()).hexdigest()


def test_what_a_killed_packaging_left_is_removed_and_what_another_writes_is_not(
    tmp_path: Path, files: dict[str, Path]
) -> None:
    (tmp_path / ".a.mlproj.0badcafe.part").write_text("left")
    other = tmp_path / ".a.mlproj.00c0ffee.part"
    other.write_text("under way")
    with other.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        written(tmp_path / "a.mlproj", files)

    assert sorted(place.name for place in tmp_path.glob(".*")) == [other.name]


def test_a_file_that_changes_meanwhile_is_told_and_nothing_is_left(tmp_path: Path, files: dict[str, Path]) -> None:
    member = writing.member_of(tmp_path / "a")
    (tmp_path / "a").write_text("b")

    with pytest.raises(ServiceError, match="was changed while it was packed"):
        writing.write(
            tmp_path / "a.mlproj", Manifest("0", {"uri": "p", "kind": "folder"}, "", {"project/a": member}), files
        )

    assert not list(tmp_path.glob("*.mlproj")) and not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("target", ["/dev/full/a.mlproj", "/proc/a.mlproj"])
def test_a_package_that_cannot_be_written_is_told(target: str, files: dict[str, Path]) -> None:
    with pytest.raises(ServiceError, match="cannot be written"):
        written(Path(target), files)


def test_nothing_is_written_that_nobody_could_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not allowed in a package"):
        writing.write(
            tmp_path / "a.mlproj",
            Manifest("0", {"uri": "p", "kind": "folder"}, "", {"elsewhere/a": Member("6" * 64)}),
            {},
        )

    assert not list(tmp_path.iterdir())
