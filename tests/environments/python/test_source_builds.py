"""A package that takes long to build is named while that goes on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlproj.environments.python import source_builds
from mlproj.environments.python.source_builds import SourceBuilds
from tests.environments.conftest import ResolveRequest
from tests.heard import Heard
from tests.package_index import Index

_BACKEND = """
import pathlib, time, zipfile
METADATA = "Metadata-Version: 2.1\\nName: slow\\nVersion: 1.0\\n"
def prepare_metadata_for_build_wheel(folder, *_):
    for _ in range(1200):
        if pathlib.Path("told").exists():
            break
        time.sleep(0.05)
    place = pathlib.Path(folder, "slow-1.0.dist-info")
    place.mkdir()
    (place / "METADATA").write_text(METADATA)
    return place.name
def build_wheel(folder, *_):
    with zipfile.ZipFile(pathlib.Path(folder, "slow-1.0-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("slow-1.0.dist-info/METADATA", METADATA)
        wheel.writestr("slow-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("slow-1.0.dist-info/RECORD", "")
    return "slow-1.0-py3-none-any.whl"
"""


class _Telling(Heard):
    """Lets the build end once something was said of it."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def note(self, text: str) -> None:
        super().note(text)
        if text.startswith("building "):
            (self._folder / "told").touch()


def _slow(folder: Path) -> Path:
    folder.mkdir()
    (folder / "backend.py").write_text(_BACKEND)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "slow"\nversion = "1.0"\ndynamic = ["dependencies"]\n'
    )
    return folder


def test_a_package_that_is_built_while_resolving_is_named(
    index: Index, ask: ResolveRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_builds, "PATIENCE", 0.1)
    progress = _Telling(folder := _slow(tmp_path / "slow"))

    prepared = ask(str(folder)).prepare(progress)

    assert prepared.packages["slow"] == "1.0"
    assert [line for line in progress.notes if re.match(r"building .*slow.* from source", line)]


def test_a_build_that_is_soon_done_is_not_worth_a_line(
    index: Index, ask: ResolveRequest, progress: Heard, tmp_path: Path
) -> None:
    (folder := _slow(tmp_path / "slow")).joinpath("told").touch()

    ask(str(folder)).prepare(progress)

    assert not [line for line in progress.notes if "from source" in line]


def test_a_build_is_told_once_and_nothing_is_said_when_uv_has_ended(
    progress: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_builds, "PATIENCE", 0.0)
    builds = SourceBuilds(progress, set())
    for line in ("DEBUG Preparing metadata for: a==1", "DEBUG Prepared metadata for: a==1", "DEBUG Building: a==1"):
        assert builds.hear(line)
        for timer in list(builds._timers.values()):
            timer.join()
    assert builds.hear("DEBUG Built `a==1` into `a-1.whl`")
    assert not builds.hear("Resolved 1 package")
    monkeypatch.setattr(source_builds, "PATIENCE", 60)
    builds.hear("DEBUG Building: https://u:hunter22@host/b.zip")
    builds.end()

    assert progress.notes == ["building a==1 from source, which may take minutes"]


def test_of_many_builds_the_first_are_named(progress: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_builds, "PATIENCE", 0.0)
    builds = SourceBuilds(progress, set())
    for number in range(9):
        builds.hear(f"DEBUG Building: p{number}==1")
        builds._timers[f"p{number}==1"].join()

    assert len(progress.notes) == 6
    assert progress.notes[-1] == "building more packages from source, which may take minutes"


def test_a_call_that_ends_says_nothing_of_what_another_one_builds(
    progress: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_builds, "PATIENCE", 0.2)
    named: set[str] = set()
    one, other = SourceBuilds(progress, named), SourceBuilds(progress, named)
    one.hear("DEBUG Building: a==1")
    other.end()
    one._timers["a==1"].join()

    assert progress.notes == ["building a==1 from source, which may take minutes"]
