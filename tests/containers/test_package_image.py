"""mlproj package --image: images that an engine runs, with no mlproj in them or around them."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlproj.foundation import paths
from tests import tiny_package
from tests.containers.base_image import PYTHON, TAG
from tests.containers.conftest import asked
from tests.program import mlproj, project
from tests.sources import repository

NAME = "mlproj-test-packaged:1"
MAIN = (
    "import os, sys, tiny\nprint(tiny.x, sys.argv[1:], os.getuid(),"
    " os.environ.get('MLFLOW_TRACKING_URI'))\nopen('made', 'w').close()\n"
)
TEXT = """\
name: demo
python_env: python_env.yaml
entry_points:
  main:
    parameters: {alpha: {type: float, default: 0.5}, msg: {default: hello}, data: {type: path, default: data.csv}}
    command: "python main.py {alpha} '{msg}' {data}"
  fails: {command: "exit 7"}
"""


@pytest.fixture
def packaged(engine: str) -> Iterator[str]:
    """The engine, without the packaged image before and after."""
    _remove(engine)
    yield engine
    _remove(engine)


def _remove(engine: str) -> None:
    subprocess.run([engine, "image", "rm", "--force", NAME], capture_output=True, check=False)


def python_project(folder: Path) -> Path:
    made = project(
        folder, TEXT, main__py=MAIN, data__csv="1\n", python_env__yaml=f"python: '{PYTHON}'\ndependencies: ['./tiny']\n"
    )
    (made / "tiny").mkdir()
    for name, content in tiny_package.files().items():
        (made / name).write_text(content)
    return made


def package(*arguments: str | Path) -> dict[str, Any]:
    done = mlproj("package", *arguments, "--image", NAME, "--json")
    assert done.code == 0, done.out + done.err
    made: dict[str, Any] = done.document["image"]
    return made


def run(engine: str, *arguments: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [engine, "run", "--rm", *options, NAME, *arguments], capture_output=True, text=True, check=False
    )


def test_a_project_from_git_becomes_an_image_that_docker_run_runs(packaged: str, tmp_path: Path) -> None:
    folder = python_project(tmp_path / "p")
    commit = repository.commit(folder, {})
    (folder / "main.py").write_text("not committed")
    made = package(f"file://{folder}", "--base", TAG)
    assert run(packaged).stdout == "tiny ['0.5', 'hello', '/mlflow/projects/code/data.csv'] 0 None\n"
    (tmp_path / "in").mkdir(mode=0o755)
    (tmp_path / "in" / "x").touch()
    other = ("--user", "1234", "-e", "MLFLOW_TRACKING_URI=http://x", "-v", f"{tmp_path / 'in'}:/in")
    done = run(packaged, "-P", "msg=a; b $(id) '\n", "-P", "data=/in/x", options=other)
    assert done.stdout == "tiny ['0.5', \"a; b $(id) '\\n\", '/in/x'] 1234 http://x\n", done.stderr
    assert run(packaged, "-e", "fails").returncode == 7
    wrong = run(packaged, "-P", "alpha=x")
    assert wrong.returncode == 2 and "the value 'x' of parameter 'alpha' is wrong, expected a number" in wrong.stderr
    _check_image(packaged, made, commit)
    refused = mlproj("package", folder, "--image", NAME, "--base", TAG)
    assert refused.code == 2 and "--force replaces it" in refused.err
    again = package(f"file://{folder}", "--base", TAG, "--force")
    assert again["layers"][0]["reused"] is True and (again["id"], again["digest"]) == (made["id"], made["digest"])
    mlproj("env", "prune")
    assert run(packaged).returncode == 0, "mlproj env prune has removed what a packaged image needs"


def _check_image(engine: str, made: dict[str, Any], commit: str) -> None:
    found = json.loads(asked(engine, "image", "inspect", NAME))[0]
    labels = found["Config"]["Labels"]
    assert labels["org.opencontainers.image.revision"] == commit and labels["org.opencontainers.image.title"] == "demo"
    assert (
        labels["mlproj.digest"] == made["digest"]
        and labels["mlproj.image"] == ""
        and labels["org.opencontainers.image.source"] == ""
    )
    assert made["id"].endswith(found["Id"].removeprefix("sha256:")) and made["base"]["name"] == TAG
    assert [layer["of"] for layer in made["layers"]] == ["environment", "project"] and made["layers"][1][
        "size"
    ] < 200_000
    assert len(found["RootFS"]["Layers"]) == 3
    # In no layer: what the environment was made with, or Git's own files.
    search = (
        "find / -xdev ( -name uv -o -name .git -o -path */opt/mlproj/build/* -o -name pylock.toml ) -not -path /proc/*"
    )
    assert asked(engine, "run", "--rm", "--entrypoint", "find", NAME, *search.split()[1:]) == ""
    assert str(paths.cache()) not in json.dumps(found["Config"])


WAITS = """\
import signal, sys, time

def end(*_):
    time.sleep(0.3)
    sys.exit(print('in order', flush=True) or 5)

signal.signal(signal.SIGTERM, end)
print('ready', flush=True)
signal.pause()
"""


def stopped(engine: str, entry_point: str) -> tuple[str, str]:
    """What a container had printed, and its exit code, when it was stopped."""
    name = asked(engine, "run", "--detach", NAME, "-e", entry_point)
    try:
        for _ in range(100):
            if asked(engine, "logs", name):
                break
            time.sleep(0.05)
        asked(engine, "stop", "--time", "30", name)
        # docker prints what the shell says of the end on stderr, which asked() leaves out
        return asked(engine, "logs", name), asked(engine, "inspect", "--format", "{{.State.ExitCode}}", name)
    finally:
        asked(engine, "rm", "--force", name)


def test_docker_env_and_signals(packaged: str, tmp_path: Path) -> None:
    text = f"""\
docker_env: {{image: '{TAG}', environment: [[MODE, 'a"$b'], FROM_HERE]}}
entry_points:
  main: {{command: 'echo "$MODE" "$FROM_HERE"'}}
  waits: {{command: 'python wait.py'}}
  waits_too: {{command: 'python wait.py; exit $?'}}
"""
    folder = project(tmp_path / "p", text, wait__py=WAITS)
    made = package(folder)
    assert [layer["of"] for layer in made["layers"]] == ["project"] and "docker run -e FROM_HERE" in made["notes"][0]
    assert run(packaged, options=("-e", "FROM_HERE=there")).stdout == 'a"$b there\n'
    assert run(packaged, options=("-e", "MODE=mine")).stdout == "mine \n"
    assert stopped(packaged, "waits") == ("ready\nin order", "5")
    assert stopped(packaged, "waits_too") == ("ready\nin order", "143"), (
        "the program had no time to put things in order"
    )
    (folder / "MLproject").write_text(text.replace("[MODE, 'a\"$b']", '["A=1\\nRUN touch /x\\nENV B", c]'))
    hostile = mlproj("package", folder, "--image", NAME, "--force")
    assert hostile.code == 73 and "that no image can have" in hostile.err, hostile.err
    based = mlproj("package", folder, "--image", NAME, "--base", TAG, "--force")
    assert based.code == 2 and "leave --base out" in based.err


def test_what_cannot_be_an_image_is_told_and_nothing_is_left(packaged: str, tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "entry_points: {main: {command: 'echo $0'}}\n")
    without = mlproj("package", folder, "--image", NAME)
    assert without.code == 2 and "--base=python:3.11" in without.err
    dockerfile = f"FROM {TAG}\nRUN rm /usr/bin/python3*\n"
    subprocess.run(
        [packaged, "build", "-t", "mlproj-test:without", "-"],
        input=dockerfile,
        text=True,
        check=True,
        capture_output=True,
    )
    lacking = mlproj("package", folder, "--image", NAME, "--base", "mlproj-test:without")
    assert lacking.code == 73 and "has no Python 3.6 or newer" in lacking.err
    assert asked(packaged, "ps", "--all", "--quiet", "--filter", "ancestor=mlproj-test:without") == ""
    asked(packaged, "image", "rm", "mlproj-test:without")
    assert asked(packaged, "image", "ls", "--quiet", NAME) == ""


@pytest.mark.needs("docker")
def test_a_run_is_packaged_with_its_parameters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLPROJ_CONTAINER_ENGINE", "docker")
    text = """\
entry_points:
  main: {command: "true"}
  other: {parameters: {x: string, token: string, near: path, far: path}, command: "echo {x} {token} {near} {far}"}
"""
    folder = project(tmp_path / "p", text, near__txt="1")
    (tmp_path / "far.txt").touch()
    values = ("x=a b", "token=sesame-4711", "near=near.txt", f"far={tmp_path / 'far.txt'}")
    done = mlproj("run", folder, "-e", "other", *(word for value in values for word in ("-P", value)))
    assert done.code == 0, done.err
    _remove("docker")
    try:
        made = package("last", "--base", TAG)
        assert len(made["notes"]) == 2 and "far.txt, which is not in the image" in made["notes"][1]
        assert "needs a value for the parameters token (string), far (path)" in run("docker").stderr
        assert (
            run("docker", "-P", "token=t", "-P", "far=s3://b/k").stdout
            == "a b t /mlflow/projects/code/near.txt s3://b/k\n"
        )
        assert b"sesame-4711" not in subprocess.run(["docker", "save", NAME], capture_output=True, check=True).stdout
    finally:
        _remove("docker")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "neither a file nor an image is named"),
        (["--image", "De mo"], "cannot be the name of an image"),
        (["--image", "demo", "-o", "x.mlproj"], "are for files, and --image makes an image"),
        (["--image", "demo", "--offline"], "are for files, and --image makes an image"),
        (["--base", "x", "-o", "x.mlproj"], "--base goes with --image"),
    ],
)
def test_options_that_contradict_are_refused(tmp_path: Path, arguments: list[str], said: str) -> None:
    done = mlproj("package", project(tmp_path / "p", "entry_points: {main: {command: ls}}\n"), *arguments)
    assert done.code == 2 and said in done.err


def test_without_an_engine_nothing_is_done(tmp_path: Path) -> None:
    (tmp_path / "docker").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "docker").chmod(0o755)
    folder = project(tmp_path / "p", "entry_points: {main: {command: ls}}\n")
    done = mlproj("package", folder, "--image", "demo", env={"MLPROJ_CONTAINER_ENGINE": str(tmp_path / "docker")})
    assert done.code == 69
