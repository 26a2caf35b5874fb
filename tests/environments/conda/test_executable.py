"""conda packages by an installed conda, mamba or micromamba: the stand-in of ``tests.conda_program`` and what genuine
ones are named."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import pytest

from mlproj.environments.conda import tool_choice
from mlproj.foundation import paths
from tests import conda_program
from tests.conda_channel import Channel
from tests.environments.conda.test_conda import PLAIN, project, run
from tests.program import mlproj
from tests.sources.repository import bare, commit

pytestmark = pytest.mark.needs("rattler")

PROGRAMS = [*conda_program.genuine(), "stand-in"]


@pytest.fixture(params=PROGRAMS, ids=[Path(name).name for name in PROGRAMS])
def program(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = conda_program.install(tmp_path / "bin") if request.param == "stand-in" else Path(request.param)
    monkeypatch.setenv("MLPROJ_CONDA", str(found))
    return found


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-in writes what it is called with."""
    monkeypatch.setenv("MLPROJ_CONDA", str(conda_program.install(tmp_path / "bin")))
    monkeypatch.setenv("CONDA_PROGRAM_CALLS", str(tmp_path / "calls"))
    return tmp_path / "calls"


def test_an_installed_program_makes_the_environment(tmp_path: Path, program: Path) -> None:
    text = "channels: [main]\ndependencies: [python, mlib=2, tool, greeter]\n"
    main = (
        "import mlib, os, subprocess, sys; print(mlib.__version__, sys.prefix, os.environ['GREETING'], mlib.__file__,"
        " subprocess.check_output('tool', text=True).strip(), sep='\\n')\n"
    )
    out, record, _ = run(project(tmp_path / "p", text, main), "--env-manager", "conda")
    version, prefix, greeting, module, told = out.splitlines()
    assert (
        version == "2.0" and Path(prefix).is_relative_to(paths.environments()) and Path(module).is_relative_to(prefix)
    )
    assert greeting == f"hello from {prefix}" and told == f"tool of {prefix}"
    assert record["environment"]["manager"] == program.name
    built_at = [name for name in _with(b".building", Path(prefix)) if not name.startswith("conda-meta")]
    assert built_at == []
    again = run(project(tmp_path / "p", text, main), "--env-manager", "conda")[1]
    assert again["environment"]["reused"] is True
    by_rattler = run(project(tmp_path / "p", text, main), "--env-manager", "rattler", env={"MLPROJ_CONDA": "rattler"})[
        1
    ]
    assert by_rattler["environment"]["key"] != record["environment"]["key"]
    assert _lock(by_rattler) == {line for line in _lock(record) if "/pip-" not in line}


def test_what_pip_adds_comes_beside_what_a_program_installed(tmp_path: Path, program: Path) -> None:
    from tests import tiny_package

    folder = project(
        tmp_path / "p",
        "channels: [main]\ndependencies: [python, mlib=1, {pip: [./tiny]}]\n",
        "import mlib, tiny; print(tiny.x, tiny.__file__)\n",
    )
    for name, content in tiny_package.files().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    out, record, _ = run(folder, "--env-manager", "conda")
    assert out.startswith(f"tiny {paths.environments() / record['environment']['key']}/")


def test_what_cannot_be_solved_is_told_or_translated(tmp_path: Path, program: Path) -> None:
    folder = project(tmp_path / "p", "channels: [main]\ndependencies: [python, mlib=9]\n")
    failed = mlproj("run", folder, "--env-manager", "conda")
    assert (
        failed.code == 73 and f"{program.name} cannot solve the conda packages" in failed.err and "mlib" in failed.err
    )
    planned = mlproj("run", folder, "--dry-run", "--env-manager", "auto")
    assert "no conda packages, translated to Python packages" in planned.out


def test_channels_that_cannot_be_asked_are_told(tmp_path: Path, program: Path) -> None:
    folder = project(tmp_path / "p", "channels: ['http://127.0.0.1:9/none']\ndependencies: [python]\n")
    failed = mlproj("run", folder, "--env-manager", "conda")
    assert failed.code == 69 and program.name in failed.err


def test_a_lock_is_installed_without_solving(tmp_path: Path, stand_in: Path) -> None:
    folder = project(tmp_path / "p", PLAIN)
    out, record, _ = run(folder)
    lock = (paths.run_dir(record["run_id"]) / "conda.lock.txt").read_text()
    stand_in.unlink()
    again = project(tmp_path / "q", PLAIN)
    (again / "lock.txt").write_text(lock)
    (again / "MLproject").write_text("conda_env: lock.txt\nentry_points: {main: {command: 'python main.py'}}\n")
    assert run(again, "--rebuild")[0].split()[0] == out.split()[0]
    assert all("--dry-run" not in json.loads(line) for line in stand_in.read_text().splitlines())


def test_a_program_that_knows_no_dates_does_not_act_as_if(tmp_path: Path, stand_in: Path) -> None:
    folder = project(tmp_path / "p", PLAIN)
    refused = mlproj("run", folder, "--as-of", "2021-01-01")
    assert refused.code == 73 and "cannot leave out packages that came after a date" in refused.err
    day = datetime(2021, 1, 1, tzinfo=timezone.utc)
    commit(folder, {}, date=day)
    planned = mlproj("run", bare(folder, tmp_path / "origin.git").as_uri(), "--dry-run")
    assert "packages of today, not of 2021-01-01" in planned.err + planned.out


def test_a_program_that_knows_dates_is_told_the_date(
    tmp_path: Path, stand_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KNOWS_DATES", "1")
    assert run(project(tmp_path / "p", PLAIN), "--as-of", "2021-01-01")[0].startswith("1.0 ")


def test_a_token_in_a_channels_address_is_not_given_to_a_program(tmp_path: Path, stand_in: Path) -> None:
    folder = project(tmp_path / "p", "channels: ['http://127.0.0.1:9/t/s3cr3t/none']\ndependencies: [python]\n")
    failed = mlproj("run", folder, "--env-manager", "conda")
    assert failed.code == 69 and "would not keep secret" in failed.err and "s3cr3t" not in failed.err
    assert not stand_in.exists()


def test_a_file_that_is_not_what_its_channel_says_is_refused(tmp_path: Path, channel: Channel, program: Path) -> None:
    bad = Channel(channel.folder.parent / "bad")
    spoilt = bad.add("spoilt", "1", {"share/x": "x"}, noarch="generic")
    bad.index()
    spoilt.write_bytes(b"something else")
    failed = mlproj(
        "run", project(tmp_path / "p", "channels: [bad]\ndependencies: [spoilt]\n"), "--env-manager", "conda"
    )
    assert failed.code == 73 and "spoilt-1-0.tar.bz2 has another sha256 than its channel says" in failed.err
    assert [place.name for place in paths.environments().iterdir() if place.suffix != ".lock"] == []


def test_a_program_that_is_named_and_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLPROJ_CONDA", "/nowhere/conda")
    failed = mlproj("run", project(tmp_path / "p", PLAIN))
    assert failed.code == 73 and "MLPROJ_CONDA is /nowhere/conda, which is not there" in failed.err


def names(manager: str) -> list[str]:
    return [str(getattr(one, "path", one.name)) for one in tool_choice.all_for(manager)]


def test_which_program_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("MLFLOW_CONDA_HOME", "CONDA_EXE", "MAMBA_EXE"):
        monkeypatch.delenv(variable, raising=False)
    assert names("auto") == names("conda") == ["rattler"]
    installed = conda_program.install(tmp_path / "miniforge3" / "bin")
    assert names("conda") == [str(installed), "rattler"]
    conda = conda_program.install(tmp_path / "path")
    assert names("conda") == [str(conda), "rattler"]
    micromamba = conda_program.install(tmp_path / "path", "micromamba")
    assert names("conda") == [str(micromamba), "rattler"] and names("auto") == ["rattler", str(micromamba)]
    own = conda_program.install(tmp_path / "own" / "bin")
    monkeypatch.setenv("CONDA_EXE", str(own))
    assert names("conda")[0] == str(own)
    of_mlflow = conda_program.install(tmp_path / "of mlflow" / "bin")
    monkeypatch.setenv("MLFLOW_CONDA_HOME", str(of_mlflow.parent.parent))
    assert names("conda")[0] == str(of_mlflow)
    faster = conda_program.install(tmp_path / "of mlflow" / "bin", "mamba")
    monkeypatch.setenv("MLFLOW_CONDA_CREATE_ENV_CMD", "mamba")
    assert names("conda")[0] == str(faster) and tool_choice.all_for("conda")[0].name == "mamba"
    assert names("rattler") == ["rattler"]


def test_the_conda_that_runs_are_given_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from mlproj.running import nested

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_CONDA_HOME", str(nested.conda_home()))
    assert names("conda") == ["rattler"]


def _with(text: bytes, folder: Path) -> list[str]:
    done = subprocess.run(
        ["grep", "-rlaF", os.fsdecode(text), "."], cwd=folder, capture_output=True, text=True, check=False
    )
    return [name.removeprefix("./") for name in done.stdout.splitlines()]


def _lock(record: dict[str, object]) -> set[str]:
    return set((paths.run_dir(str(record["run_id"])) / "conda.lock.txt").read_text().splitlines())
