from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlproj.environments.python import interpreter


def _wrapper(path: Path, log: Path) -> Path:
    """A Python that notes each start."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\necho started >> {log}\nexec {sys.executable} "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def only_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose only other Pythons are those that the test makes below the folder."""
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "uv"))
    monkeypatch.delenv("CONDA_EXE", raising=False)
    return tmp_path


def _found(folder: Path) -> list[tuple[str, str]]:
    return [(one.source, one.path) for one in interpreter.find() if one.path.startswith(str(folder))]


def test_pythons_are_found_in_every_place(only_here: Path) -> None:
    log = only_here / "log"
    places = {
        "pyenv": _wrapper(only_here / "pyenv" / "versions" / "3.9.1" / "bin" / "python", log),
        "uv": _wrapper(only_here / "uv" / "cpython-3.9" / "bin" / "python", log),
        "PATH": _wrapper(only_here / "bin" / "python3.9", log),
        "conda": _wrapper(Path.home() / "miniconda3" / "bin" / "python", log),
    }
    found = {
        one.source: one.path for one in interpreter.find() if one.source != "running" and "/opt/conda" not in one.path
    }
    assert found == {source: str(path) for source, path in places.items()}


def test_the_running_python_is_always_found() -> None:
    running = next(one for one in interpreter.find() if one.source == "running")
    assert running.version.startswith(f"{sys.version_info[0]}.{sys.version_info[1]}.")
    assert running.minor == sys.version_info[:2]


def test_a_second_look_starts_no_interpreter(only_here: Path) -> None:
    log = only_here / "log"
    _wrapper(only_here / "bin" / "python3", log)
    assert interpreter.find() == interpreter.find()
    assert log.read_text() == "started\n"


def test_the_python_that_runs_us_says_the_same_of_itself_whether_it_is_started_or_not() -> None:
    path = os.path.realpath("/proc/self/exe")
    if not Path(path).is_file():
        pytest.skip("this system does not tell which program runs")
    done = subprocess.run([path, "-I", "-S", "-c", interpreter._PROBE], capture_output=True, check=True)
    assert interpreter._own_facts(path) == json.loads(done.stdout)


def test_pythons_whose_name_tells_another_version_are_not_started(only_here: Path) -> None:
    log = only_here / "log"
    other = _wrapper(only_here / "bin" / "python3.99", log)
    assert str(other) not in [one.path for one in interpreter.find(sys.version_info[:2])]
    assert not log.exists()
    same = _wrapper(only_here / "pyenv" / "versions" / "mine" / "bin" / "python", log)
    found = interpreter.find(sys.version_info[:2])
    assert str(same) in [one.path for one in found]
    assert {one.minor for one in found} == {sys.version_info[:2]}
    assert log.read_text() == "started\n"


def test_a_changed_interpreter_is_asked_again(only_here: Path) -> None:
    log = only_here / "log"
    path = _wrapper(only_here / "bin" / "python3", log)
    before = interpreter.stamp()
    interpreter.find()
    path.write_text(path.read_text() + "\n")
    interpreter.find()
    assert log.read_text() == "started\nstarted\n"
    assert interpreter.stamp() != before


def test_broken_pythons_pyenv_shims_and_virtual_environments_are_skipped(
    only_here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = only_here / "log"
    broken = _wrapper(only_here / "bin" / "python3", log)
    broken.write_text("#!/bin/sh\nexit 127\n")
    (only_here / "bin" / "python").symlink_to(only_here / "nowhere")
    liar = _wrapper(only_here / "bin" / "python3.9", log)
    liar.write_text("#!/bin/sh\necho '[1, 2]'\n")
    _wrapper(only_here / "pyenv" / "shims" / "python3", log)
    _wrapper(only_here / "env" / "bin" / "python3", log)
    (only_here / "env" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    monkeypatch.setenv(
        "PATH", ":".join(str(only_here / place) for place in ("bin", "pyenv/shims", "env/bin", "not/there"))
    )
    assert _found(only_here) == []
    assert not log.exists()


def test_a_spoilt_cache_of_facts_is_made_again(only_here: Path) -> None:
    from mlproj.foundation import paths

    paths.write_atomic(paths.cache() / "interpreters.json", "{broken")
    assert any(one.source == "running" for one in interpreter.find())
