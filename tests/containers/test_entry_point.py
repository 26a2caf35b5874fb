"""Images with an ENTRYPOINT: a run succeeds when its command was started, and only then."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from mlproj.environments.base import Request
from mlproj.environments.containers import engine as engines
from mlproj.environments.containers import entry_point, image, leftovers, settings
from mlproj.foundation import paths
from mlproj.foundation.progress import Silent
from tests.containers.base_image import PYTHON, TAG
from tests.containers.conftest import asked, containers
from tests.program import Result, mlproj, project

HANDS_ON = 'ENV BEFORE=image\nCOPY entry.sh /entry.sh\nENTRYPOINT ["sh", "/entry.sh"]\n'


def written(folder: Path, dockerfile: str, command: str = "echo ran $SET_BY_IT", **files: str) -> Path:
    text = f"docker_env: {{dockerfile: Dockerfile}}\nentry_points: {{main: {{command: '{command}'}}}}\n"
    return project(folder, text, Dockerfile=f"FROM {TAG}\n{dockerfile}", **files)


def run(*arguments: str | Path) -> tuple[Result, dict[str, Any], str]:
    """The run, its record, and what it printed."""
    done = mlproj("run", *arguments, "--json")
    record = mlproj("runs", "list", "--json").document["runs"][0]
    return done, record, (paths.run_dir(record["run_id"]) / "output.log").read_text()


@pytest.mark.parametrize("words", [["sh", "-c"], ["/bin/echo"]], ids=" ".join)
def test_one_that_swallows_the_command_is_set_aside(engine: str, tmp_path: Path, words: list[str]) -> None:
    folder = written(tmp_path / "p", f"ENTRYPOINT {json.dumps(words)}\n")
    done, record, out = run(folder)
    assert done.code == 0 and out == "ran\n" and record["status"] == "FINISHED"
    assert f"the image's ENTRYPOINT {json.dumps(words)} is set aside" in done.err
    assert record["environment"]["image"]["entrypoint"] == {"words": words, "used": False}
    again = mlproj("run", folder, "--verbose")
    assert "is set aside" in again.err and "trying whether" not in again.err  # once for each image
    assert containers(engine) == [] and {path.name for path in folder.iterdir()} == {"MLproject", "Dockerfile"}


def test_one_that_hands_on_is_started(engine: str, tmp_path: Path) -> None:
    del engine
    entry = 'export SET_BY_IT="by the ENTRYPOINT"\nexec "$@"\n'
    done, record, out = run(written(tmp_path / "p", HANDS_ON, entry__sh=entry), "-A", "user=1234")
    assert done.code == 0 and out == "ran by the ENTRYPOINT\n" and "set aside" not in done.err
    assert record["environment"]["image"]["entrypoint"] == {"words": ["sh", "/entry.sh"], "used": True}


def test_one_that_ends_well_in_the_place_of_the_command_is_no_success(engine: str, tmp_path: Path) -> None:
    entry = '[ -e /mlflow/projects/code/MLproject ] && exit $WITH\nexec "$@"\n'  # it does not show when it is tried
    folder = written(tmp_path / "p", HANDS_ON + "ENV WITH=0\n", entry__sh=entry)
    done, record, _ = run(folder)
    assert done.code == 73 and record["status"] == "FAILED" and record["exit_code"] == 73
    assert (
        'the command never began: the container\'s ENTRYPOINT ["sh", "/entry.sh"] ended with exit code 0'
        in (record["status_reason"])
    )
    assert "-A entrypoint=" in done.document["error"]["hint"]
    done, record, _ = run(folder, "-A", "env=WITH=3")
    assert done.code == 3 and "the command never began" in record["status_reason"]
    assert run(folder, "-A", "entrypoint=")[2] == "ran\n"
    assert containers(engine) == []


def test_a_shell_that_is_kept_from_the_command_is_no_success(engine: str, tmp_path: Path) -> None:
    del engine
    folder = written(tmp_path / "p", "ENV BASH_ENV=/mlflow/projects/code/quit.sh\n", quit__sh="exit 0\n")
    for options in ((), ("--sandbox",)):
        done, record, _ = run(folder, *options)
        assert done.code == 73 and record["status"] == "FAILED", done.err
        assert "the command never began: the shell of the image ended" in record["status_reason"]


def test_one_of_the_image_that_an_environment_is_made_in_is_kept(engine: str, tmp_path: Path) -> None:
    tag = f"mlproj-test-entry:{os.getpid()}"
    (tmp_path / "Dockerfile").write_text(f'FROM {TAG}\nENV SET=yes\nENTRYPOINT ["env", "SET_BY_IT=env"]\n')
    asked(engine, "build", "--quiet", "--tag", tag, str(tmp_path))
    try:
        text = "python_env: python_env.yaml\nentry_points: {main: {command: 'echo ran $SET_BY_IT'}}\n"
        folder = project(tmp_path / "p", text, python_env__yaml=f"python: '{PYTHON}'\ndependencies: []\n")
        done, record, out = run(folder, f"--in-container={tag}")
        assert done.code == 0 and out == "ran env\n", done.err
        assert record["environment"]["image"]["entrypoint"]["used"] is True
    finally:
        subprocess.run([engine, "image", "rm", "--force", tag], capture_output=True, check=False)


def test_one_that_does_something_else_for_longer_is_ended(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry_point, "_PATIENCE", 2.0)
    (tmp_path / "Dockerfile").write_text(f'FROM {TAG}\nLABEL {image.label()}\nENTRYPOINT ["sh", "-c", "sleep 600"]\n')
    identity = asked(engine, "build", "--quiet", str(tmp_path)).splitlines()[-1]
    found = engines.find()
    there = image.find(found, identity)
    assert there is not None
    wanted = settings.read({"image": TAG}, Request(tmp_path, tmp_path), None)
    began = time.monotonic()
    assert entry_point.decide(found, there, wanted, Silent()).skips_entry_point
    assert time.monotonic() - began < 60 and trials(engine) == []


def test_prune_removes_the_trial_of_an_mlproj_that_was_killed(engine: str) -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    names = [f"{entry_point.TRIAL}{pid}-00" for pid in (ended.pid, os.getpid())]
    for name in names:
        asked(engine, "create", "--name", name, "--label", image.label(), TAG, "true")
    try:
        assert leftovers.remove(lambda _run: False, None).troubles == [] and trials(engine) == names[1:]
    finally:
        subprocess.run([engine, "rm", "--force", *names], capture_output=True, check=False)


def trials(engine: str) -> list[str]:
    listed = asked(engine, "ps", "--all", "--filter", f"label={image.label()}", "--format", "{{.Names}}").split()
    return [name for name in listed if name.startswith(entry_point.TRIAL)]
