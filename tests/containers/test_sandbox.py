"""``--sandbox`` of projects that run in a container: what a hostile program cannot reach, and what an honest one does
not miss."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlproj.foundation import paths
from tests.containers.base_image import TAG
from tests.containers.conftest import containers
from tests.program import Result, mlproj, project

# Each line of what it is asked is an expression; it answers with what came of each.
PROBE = """
import json, os, socket, sys, urllib.request

def attempt(expression):
    try:
        return eval(expression)
    except Exception as error:
        return "refused: " + type(error).__name__

def connect(host, port):
    return str(socket.create_connection((host, port), 3))

def write(path):
    with open(os.path.expandvars(path), "a") as file:
        return file.write("n=1\\n")

def post(path, **body):
    headers = {"Content-Type": "application/json", "Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"]}
    address = os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/" + path
    return json.load(urllib.request.urlopen(urllib.request.Request(address, json.dumps(body).encode(), headers)))

def log():
    info = post("runs/create", experiment_id="0")["run"]["info"]
    return post("runs/log-metric", run_id=info["run_id"], key="loss", value=0.25, timestamp=1, step=1)

def status(field):
    return next(line.split()[1] for line in open("/proc/self/status") if line.startswith(field + ":"))

print(json.dumps({line: attempt(line) for line in open("asked.txt").read().splitlines()}))
"""


@pytest.fixture
def listening() -> Iterator[int]:
    """The port of a service on every address of this machine."""
    with socket.create_server(("0.0.0.0", 0)) as server:  # that is what is to be out of reach
        yield server.getsockname()[1]


def told(folder: Path, *asked: str) -> tuple[dict[str, Any], Result]:
    """What a program in the sandbox is told by each of these expressions."""
    (folder / "probe.py").write_text(PROBE)
    (folder / "asked.txt").write_text("\n".join(asked))
    # Where there is no bubblewrap: a container needs none.
    (folder.parent / "bin").mkdir()
    (folder.parent / "bin" / "bwrap").write_text("#!/bin/sh\nexit 1\n")
    (folder.parent / "bin" / "bwrap").chmod(0o755)
    done = mlproj("run", folder, "--sandbox", "--json", env={"PATH": f"{folder.parent}/bin:{os.environ['PATH']}"})
    assert done.code == 0, done.err
    answers: dict[str, Any] = json.loads((paths.run_dir(done.document["run"]["run_id"]) / "output.log").read_text())
    return answers, done


def test_a_hostile_program_reaches_nothing_and_an_honest_one_its_run(
    engine: str, tmp_path: Path, listening: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("COPIED_TOKEN", "abc"), ("COPIED_MODE", "fast")):
        monkeypatch.setenv(name, value)
    text = (
        f"docker_env: {{image: '{TAG}', volumes: ['./data:/data'], environment: [COPIED_TOKEN, COPIED_MODE, [SET_TOKEN,"
        " mine]]}\n"
    )
    folder = project(tmp_path / "p", text + "entry_points: {main: {command: python probe.py}}\n")
    refused = [
        *(
            f"connect({host!r}, {listening})"
            for host in ("127.0.0.1", "172.17.0.1", "10.88.0.1", socket.gethostname(), "192.0.2.1")
        ),
        *(
            f"write({place!r})"
            for place in ("/x", "/usr/x", "/root/x", "$MLPROJ_RUN_DIR/plan.json", "$MLPROJ_RUN_DIR/x")
        ),
        f"os.listdir({str(Path.home())!r})",
        f"open({str(paths.database())!r})",
        "os.mknod('/tmp/disk', 0o60666, os.makedev(8, 0))",
        "os.chroot('/tmp')",
        "open('/proc/sysrq-trigger', 'a')",
    ]
    allowed = [
        f"write({place!r})"
        for place in ("/tmp/x", "$HOME/x", "/data/x", "made", "$MLPROJ_METRICS", "$MLPROJ_ARTIFACTS/kept")
    ]
    values = {
        "log()": {},
        "sorted(name for name in os.environ if name[:4] in ('COPI', 'SET_'))": ["COPIED_MODE", "SET_TOKEN"],
        "[status(field) for field in ('CapEff', 'CapBnd', 'NoNewPrivs')]": ["0" * 16, "0" * 16, "1"],
        "os.listdir('/sys/class/net')": ["lo"],
        "os.getuid()": os.getuid(),
    }
    answers, done = told(folder, *refused, *allowed, *values)
    assert {line: answers[line] for line in refused if not str(answers[line]).startswith("refused: ")} == {}
    assert {line: answers[line] for line in allowed} == dict.fromkeys(allowed, 4)
    assert {line: answers[line] for line in values} == values
    run = done.document["run"]
    assert (run["metrics"]["loss"], run["metrics"]["n"]) == (0.25, 1) and "data/x" in [
        one["path"] for one in run["outputs"]
    ]
    assert containers(engine) == [] and list((paths.cache() / "sockets").iterdir()) == []
    sandbox = json.loads((paths.run_dir(run["run_id"]) / "plan.json").read_text())["plan"]["sandbox"]
    assert sandbox["by"] == engine and any("the kernel is this machine's" in line for line in sandbox["not_confined"])
    assert run["tags"]["mlproj.sandbox"].splitlines() == [
        engine,
        *(f"not confined: {line}" for line in sandbox["not_confined"]),
    ]
    assert "withheld from the container, because they look secret: COPIED_TOKEN" in done.err


def test_an_image_without_python_is_told_what_does_not_arrive(engine: str, tmp_path: Path) -> None:
    command = "command -v python || echo n=2 >> $MLPROJ_METRICS"
    text = (
        f"docker_env: {{image: '{TAG}', environment: [[PATH, /bin]]}}\nentry_points: {{main: {{command:"
        f" '{command}'}}}}\n"
    )
    done = mlproj("run", project(tmp_path / "p", text), "--sandbox", "--json")
    assert done.code == 0 and done.document["run"]["metrics"]["n"] == 2
    assert "did not reach the run: the image has no Python 3" in done.err


def test_a_program_put_into_a_container_is_confined_too(engine: str, tmp_path: Path) -> None:
    folder = project(
        tmp_path / "p", "entry_points: {main: {command: 'ls /sys/class/net; touch made; touch /usr/made || pwd'}}\n"
    )
    done = mlproj("run", folder, "--sandbox", f"--in-container={TAG}", "--build-image", "-q")
    assert (done.code, done.out) == (0, "lo\n"), "a copy of the project's files can be written, where they are"
    done = mlproj("run", folder, "--sandbox", f"--in-container={TAG}", "-q")
    assert (done.code, done.out) == (0, "lo\n/mlflow/projects/code\n") and (folder / "made").exists()
    (folder / "requirements.txt").touch()
    plan = mlproj("run", folder, "--sandbox", f"--in-container={TAG}", "--dry-run", "--json").document["plan"]
    assert (
        plan["sandbox"]["by"] == engine
        and "making the image is not confined: it has the network" in plan["sandbox"]["not_confined"]
    )


@pytest.mark.parametrize(
    ("options", "arguments", "message"),
    [
        ("", ("-A", "network=host"), "--sandbox does not go with -A network"),
        (", volumes: ['/etc:/host']", (), "docker_env mounts /etc"),
        (", user: image", (), "runs the command as you"),
        ("", ("--backend", "slurm"), "--backend slurm"),
    ],
)
def test_what_would_open_it_is_refused_before_anything_runs(
    engine: str, tmp_path: Path, options: str, arguments: tuple[str, ...], message: str
) -> None:
    folder = project(
        tmp_path / "p", f"docker_env: {{image: '{TAG}'{options}}}\nentry_points: {{main: {{command: touch ran}}}}\n"
    )
    done = mlproj("run", folder, "--sandbox", *arguments)
    assert (done.code, message in done.err) == (2, True), done.err
    assert mlproj("runs", "list", "--json").document["runs"] == [] and containers(engine) == []


@pytest.mark.parametrize("variable", ["MLPROJ_HOME", "MLPROJ_CACHE", "MLPROJ_TRACKING_URI"])
def test_records_in_the_projects_folder_are_refused(engine: str, tmp_path: Path, variable: str) -> None:
    folder = project(
        tmp_path / "p", f"docker_env: {{image: '{TAG}'}}\nentry_points: {{main: {{command: touch ran}}}}\n"
    )
    place = folder / "kept"
    place.touch() if variable.endswith("URI") else place.mkdir()
    done = mlproj(
        "run", folder, "--sandbox", env={variable: f"sqlite:///{place}" if variable.endswith("URI") else str(place)}
    )
    assert done.code == 2 and f"--sandbox hides {place}" in done.err
    assert not (folder / "ran").exists()
