from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mlproj.environments.python import installer, interpreter
from mlproj.environments.python.interpreter import Interpreter
from mlproj.environments.python.uv import Uv, failure
from mlproj.foundation.errors import EnvironmentFailure
from tests.environments.conftest import ResolveRequest, run
from tests.heard import Heard
from tests.package_index import Index, Release


@pytest.fixture
def here() -> Interpreter:
    return next(one for one in interpreter.find(sys.version_info[:2]) if one.source == "running")


@pytest.fixture
def uv(tmp_path: Path, progress: Heard) -> Uv:
    (tmp_path / "work").mkdir()
    return Uv(tmp_path / "work", {}, progress, offline=True)


def test_a_virtual_environment_is_there_when_what_was_done_meanwhile_is_done(
    uv: Uv, here: Interpreter, progress: Heard
) -> None:
    with installer.creating(uv, "uv", here, uv.folder / "venv", progress):
        pass
    assert (uv.folder / "venv" / "bin" / "python").exists()


def test_a_virtual_environment_that_cannot_be_made_is_an_error(uv: Uv, here: Interpreter, progress: Heard) -> None:
    with (
        pytest.raises(EnvironmentFailure, match="the virtual environment cannot be made"),
        installer.creating(uv, "uv", replace(here, path="/not/there"), uv.folder / "venv", progress),
    ):
        pass


def test_what_went_wrong_meanwhile_is_told_first_and_nothing_goes_on_in_the_folder(
    uv: Uv, here: Interpreter, progress: Heard
) -> None:
    with pytest.raises(ValueError, match="meanwhile"), installer.creating(uv, "uv", here, uv.folder / "venv", progress):
        raise ValueError("meanwhile")
    assert (uv.folder / "venv" / "pyvenv.cfg").exists()


def test_the_environments_own_python_is_asked_when_uv_knows_the_one_below_by_another_path(
    tmp_path: Path, here: Interpreter
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(here.path)
    assert installer._into(tmp_path, here) == ["--python", here.path, "--prefix", str(tmp_path)]
    for other in ("/usr/bin/a-wrapper", "/with a space/python"):
        assert installer._into(tmp_path, replace(here, path=other)) == ["--python", str(tmp_path / "bin" / "python")]


@pytest.mark.parametrize("cache", ["cache", "o'neil and co", 'a "quoted" $name'])
def test_programs_are_run_by_the_python_of_their_environment(
    index: Index, ask: ResolveRequest, progress: Heard, cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLPROJ_CACHE", str(tmp_path / cache))
    index.add(
        Release(
            "apple",
            "1.0",
            scripts=["eat=apple_cli:main"],
            modules={"apple_cli.py": "import sys\ndef main(): print(sys.prefix)\n"},
        )
    )
    prepared = ask("apple").prepare(progress)
    assert not [place for place in prepared.path[0].iterdir() if place.is_file() and b".building" in place.read_bytes()]
    assert run(prepared, "eat") == prepared.variables["VIRTUAL_ENV"]


def test_a_certificate_that_uv_does_not_know_is_told_with_the_settings_that_help() -> None:
    said = "error: client error (Connect)\n cause: invalid peer certificate: UnknownIssuer"

    assert "UV_SYSTEM_CERTS=1" in str(failure("the packages cannot be resolved", said).hint)
