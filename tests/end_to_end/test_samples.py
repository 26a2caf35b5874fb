"""The sample projects and the README's commands do what they say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import mlproj

ROOT = Path(__file__).parents[2]


def shell_blocks() -> list[str]:
    return [
        block.strip()
        for block in re.findall(r"^```shell\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    ]


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """A copy that runs may write into."""
    return Path(shutil.copytree(ROOT / "sample_projects", tmp_path / "sample_projects"))


@pytest.mark.needs("index")
def test_quickstart_logs_its_metrics_and_is_quick_the_second_time(samples: Path) -> None:
    first = mlproj("run", samples / "quickstart", "-P", "alpha=0.3", "--json").document["run"]
    second = mlproj("run", samples / "quickstart", "-P", "alpha=0.3", "--json").document["run"]

    logged, again = (
        {name: value for name, value in run["metrics"].items() if not name.startswith("system/")}
        for run in (first, second)
    )
    assert set(logged) == {"r2", "mae"}
    assert logged == again
    assert (first["environment"]["reused"], second["environment"]["reused"]) == (False, True)
    assert first["environment"]["lock"] == "pylock.toml"
    lock = Path(os.environ["MLPROJ_HOME"]) / "runs" / first["run_id"] / "pylock.toml"
    assert lock.read_text().startswith("lock-version")

    done = mlproj("reproduce", first["run_id"], "--json")
    assert done.code == 0, done.err
    (verdict,) = done.document["reproduction"]["runs"]
    assert verdict["exact"] and {one["name"] for one in verdict["metrics"]} == {"r2", "mae"}
    assert (lock.parents[1] / verdict["run_id"] / "pylock.toml").read_bytes() == lock.read_bytes()


@pytest.mark.parametrize("name", ["pipeline", "reproducible"])
def test_samples_come_out_exactly_the_same_again(samples: Path, name: str) -> None:
    assert mlproj("run", samples / name).code == 0
    shutil.rmtree(samples)

    done = mlproj("reproduce", "last", "--json")

    assert done.code == 0, done.err
    (verdict,) = done.document["reproduction"]["runs"]
    assert verdict["exact"] and verdict["files"], "there was something to compare"


def test_the_sample_that_forgot_its_seed_is_found_out(samples: Path) -> None:
    assert mlproj("run", samples / "unseeded").code == 0

    done = mlproj("reproduce", "last", "--times", "3")

    assert done.code == 1
    assert "they first diverge at loss, step 0: " in done.out
    assert (
        "unset seed (found by reading): random is never seeded, and draws random numbers at fit.py:10 (random.gauss)"
        in done.out
    )


@pytest.mark.needs("index")
def test_names_of_conda_become_names_of_the_index(samples: Path) -> None:
    result = mlproj("run", samples / "conda_names")

    assert result.code == 0
    assert "msgpack-python" in result.out
    assert "openssl" in result.err


@pytest.mark.needs("index")
def test_the_first_command_of_the_readme_works_for_a_new_user(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(".git", "__pycache__", ".*_cache", "*.egg-info"))
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    environ = {**os.environ, "PATH": os.pathsep.join([str(tmp_path / "venv" / "bin"), os.environ["PATH"]])}
    environ.pop("PYTHONPATH", None)

    done = subprocess.run(
        ["bash", "-c", shell_blocks()[0]], cwd=clone, env=environ, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "r2=" in done.stdout


def test_the_second_command_of_the_readme_is_the_one_that_continuous_integration_runs() -> None:
    assert shell_blocks()[1] == "python3 -m pip install '.[test]' && python3 -m pytest"
    assert "README.md" in (ROOT / ".ci" / "run").read_text()
