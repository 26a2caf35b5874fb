"""Projects in real containers: what reaches the program, what comes back, and that nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from mlproj.foundation import paths
from tests.containers.base_image import TAG
from tests.containers.conftest import asked, containers, images
from tests.end_to_end.test_faults import processes_of, wait_for
from tests.program import mlproj, project, start

LOGS = """
import json, os, sys, urllib.request

def ask(path, **fields):
    headers = {"Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"], "Content-Type": "application/json"}
    address = os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/" + path
    return urllib.request.Request(address, json.dumps(fields).encode() if fields else None, headers)

def answer(request):
    return json.load(urllib.request.urlopen(request, timeout=20))

run = answer(ask("mlflow/runs/create", experiment_id="0"))["run"]["info"]
answer(ask("mlflow/runs/log-metric", run_id=run["run_id"], key="loss", value=0.25, timestamp=1, step=0))
folder = run["artifact_uri"].partition(":/")[2].lstrip("/")
put = ask("mlflow-artifacts/artifacts/" + folder + "/a b.txt".replace(" ", "%20"))
put.method, put.data = "PUT", b"sent"
urllib.request.urlopen(put, timeout=20)
open(os.environ["MLPROJ_METRICS"], "a").write("written=2\\n")
open(os.environ["MLPROJ_ARTIFACTS"] + "/left.txt", "w").write("left")
open("made.txt", "w").write("made")
print(os.getcwd(), sys.argv[1:])
"""


def run_json(*arguments: str | Path, env: dict[str, str] | None = None) -> Any:
    done = mlproj("run", *arguments, "--json", env=env)
    assert done.code == 0, done.err
    return done, done.document["run"]


def test_a_program_in_a_container_is_recorded_like_any_other(engine: str, tmp_path: Path) -> None:
    text = f"""
name: in a container
docker_env:
  image: {TAG}
entry_points:
  main:
    parameters: {{alpha: {{type: float, default: 0.5}}, text: {{default: "it's $HOME"}}}}
    command: "python logs.py {{alpha}} {{text}} && test -n \\"$BASH\\""
"""
    folder = project(tmp_path / "a, b", text, logs__py=LOGS)
    done, run = run_json(folder, "-A", "env=A_TOKEN=s3cr3t", "-A", "ipc=private")
    assert any(note.endswith("is given --env=A_TOKEN --ipc=private") for note in run["environment"]["notes"])
    assert "/mlflow/projects/code ['0.5', \"it's $HOME\"]" in done.err
    assert {name: value for name, value in run["metrics"].items() if not name.startswith("system/")} == {
        "loss": 0.25,
        "written": 2.0,
    }
    artifacts = Path(run["artifact_uri"].removeprefix("file://"))
    assert (artifacts / "a b.txt").read_bytes() == b"sent" and (artifacts / "left.txt").read_text() == "left"
    assert [output["path"] for output in run["outputs"]] == ["made.txt"]
    assert {path.stat().st_uid for path in (folder / "made.txt", artifacts / "left.txt")} == {os.getuid()}
    environment = run["environment"]
    assert (environment["kind"], environment["manager"], environment["lock"]) == ("container", engine, "image.json")
    identity = asked(engine, "image", "inspect", TAG, "--format", "{{.Id}}")
    assert environment["image"]["id"].endswith(identity.removeprefix("sha256:")) and environment["image"]["name"] == TAG
    lock = json.loads((paths.run_dir(run["run_id"]) / "image.json").read_text())
    assert lock["id"] == environment["image"]["id"] and lock["engine"] == engine
    assert run["tags"]["mlflow.project.env"] == "docker" and run["tags"]["mlflow.docker.image.uri"] == TAG
    assert containers(engine) == []


def test_what_the_container_is_given(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Volumes as people write them, variables copied and set, options of the command line; nothing else of this
    machine."""
    monkeypatch.setenv("COPIED_TOKEN", "se cret\nof two lines")
    monkeypatch.setenv("NOT_COPIED", "mine")
    monkeypatch.setenv("FOLDER", str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere").mkdir()
    text = f"""
docker_env:
  image: {TAG}
  volumes: ["$(pwd)/data:/data:ro", "./made here:/new", "data:/named", "$FOLDER:/elsewhere", "%cd%/data:/windows",
            "/only/here"]
  environment: [[SET, "a b"], COPIED_TOKEN, "TWO=x=y", [NUMBER, 3], [PATH, /usr/bin:/bin:/mine], [FLAG, true]]
  shm_size: 16m
entry_points:
  main: {{command: "sh look.sh"}}
"""
    look = """
cat /data/in.txt /named/in.txt /windows/in.txt; (echo x > /data/x) 2>/dev/null && echo writable
echo made > /new/file; echo there > /elsewhere/file; echo gone > /only/here/file
printf '%s|' "$SET" "$COPIED_TOKEN" "$TWO" "$NUMBER" "$PATH" "$NOT_COPIED" "$FLAG" "$MLPROJ_HOME"; echo
df -m /dev/shm | tail -n 1 | awk '{print $2}'; hostname
"""
    folder = project(tmp_path / "p", text, look__sh=look)
    (folder / "data").mkdir()
    (folder / "data" / "in.txt").write_text("in\n")
    before = asked(engine, "volume", "ls", "--quiet")
    _, run = run_json(folder, "-A", "hostname=called")
    out = (paths.run_dir(run["run_id"]) / "output.log").read_text()
    expected = "in\nin\nin\na b|se cret\nof two lines|x=y|3|/usr/bin:/bin:/mine||true||\n16\ncalled\n"
    assert out == expected
    assert (folder / "made here" / "file").read_text() == "made\n" and (tmp_path / "elsewhere" / "file").exists()
    assert (folder / "made here").stat().st_uid == os.getuid()
    assert asked(engine, "volume", "ls", "--quiet") == before
    assert (
        "se cret" not in json.dumps(run) and "se cret" not in (paths.run_dir(run["run_id"]) / "plan.json").read_text()
    )


def test_no_secret_is_on_a_command_line(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cr3t-value")
    proxy = "http://me:s3cr3t-value@proxy"  # under a name that the engine's own program goes by
    text = f"docker_env: {{image: '{TAG}', environment: [AWS_SECRET_ACCESS_KEY, 'HTTPS_PROXY={proxy}']}}\n"
    folder = project(
        tmp_path / "p",
        text + "entry_points: {main: {command: 'touch started; while [ ! -e go ]; do sleep 0.05; done'}}\n",
    )
    with start("run", folder) as process:
        wait_for(folder / "started", process)
        lines = b"".join(_read(Path("/proc", name, "cmdline")) for name in os.listdir("/proc") if name.isdigit())
        (run_id,) = [name.removeprefix("mlproj-") for name in containers(engine)]
        variables = asked(engine, "inspect", f"mlproj-{run_id}", "--format", "{{json .Config.Env}}")
        (folder / "go").touch()
        process.communicate()
    assert process.returncode == 0
    token = next(one for one in json.loads(variables) if one.startswith("MLFLOW_TRACKING_TOKEN=")).partition("=")[2]
    assert {"AWS_SECRET_ACCESS_KEY=s3cr3t-value", f"HTTPS_PROXY={proxy}"} <= {*json.loads(variables)}
    assert b"s3cr3t-value" not in lines and token.encode() not in lines
    written = b"".join(_read(file) for file in paths.run_dir(run_id).iterdir())
    assert b"s3cr3t-value" not in written and token.encode() not in written


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("command", "code", "reason"),
    [("exit 3", 3, "exit code 3"), ("no-such-program", 127, "it calls no-such-program, which is not installed")],
)
def test_the_exit_code_is_the_programs(engine: str, tmp_path: Path, command: str, code: int, reason: str) -> None:
    folder = project(
        tmp_path / "p", f"docker_env: {{image: '{TAG}'}}\nentry_points: {{main: {{command: '{command}'}}}}\n"
    )
    done = mlproj("run", folder, "--json")
    assert done.code == code
    run = done.document["run"]
    assert (run["status"], run["exit_code"]) == ("FAILED", code) and reason in run["status_reason"]
    assert containers(engine) == []


STUBBORN = "trap '' TERM INT; touch started; while true; do sleep 0.1; done"
TOLD = """
import signal, sys, time

def heed(*_):
    open("told", "a").write("x")
    time.sleep(0.7)
    print("saved", flush=True)
    sys.exit(5)

signal.signal(signal.SIGTERM, heed)
open("started", "w")
time.sleep(60)
"""


def test_a_signal_reaches_the_program_and_nothing_is_left(engine: str, tmp_path: Path) -> None:
    text = f"docker_env: {{image: '{TAG}'}}\nentry_points: {{main: {{command: 'python told.py; exit 9'}}}}\n"
    folder = project(tmp_path / "p", text, told__py=TOLD)
    with start("run", folder, "--json") as process:
        wait_for(folder / "started", process)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate()
    assert process.returncode == 143, err
    run = json.loads(out)["run"]
    assert run["status"] == "KILLED"
    assert (folder / "told").read_text() == "x"
    assert (paths.run_dir(run["run_id"]) / "output.log").read_text() == "saved\n", "it has its time"
    assert containers(engine) == []


def test_a_program_that_does_not_listen_is_killed(engine: str, tmp_path: Path) -> None:
    folder = project(
        tmp_path / "p", f'docker_env: {{image: "{TAG}"}}\nentry_points: {{main: {{command: "{STUBBORN}"}}}}\n'
    )
    begun = time.monotonic()
    done = mlproj("run", folder, "--timeout", "2s", "--grace", "1s", "--json")
    assert done.code == 124 and done.document["run"]["status"] == "KILLED" and (folder / "started").exists()
    assert time.monotonic() - begun < 30
    assert containers(engine) == []


def test_nothing_runs_on_when_mlproj_is_killed(engine: str, tmp_path: Path) -> None:
    folder = project(
        tmp_path / "p", f'docker_env: {{image: "{TAG}"}}\nentry_points: {{main: {{command: "{STUBBORN}"}}}}\n'
    )
    with start("run", folder, "--grace", "1s") as process:
        wait_for(folder / "started", process)
        (name,) = containers(engine)
        process.kill()
        process.communicate()
    deadline = time.monotonic() + 40
    while containers(engine) or processes_of(name.removeprefix("mlproj-")):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert mlproj("runs", "list", "--json").document["runs"][0]["status"] == "KILLED"


def test_prune_removes_what_nobody_was_left_to_remove(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mlproj killed together with its watcher, as when a whole session is."""
    folder = project(
        tmp_path / "p", f'docker_env: {{image: "{TAG}"}}\nentry_points: {{main: {{command: "{STUBBORN}"}}}}\n'
    )
    with start("run", folder, start_new_session=True) as process:
        wait_for(folder / "started", process)
        (name,) = containers(engine)
        assert "removed 0 environments" in mlproj("env", "prune").out and containers(engine) == [name]
        watchers = subprocess.run(
            ["pgrep", "-f", "mlproj-watchdog"], capture_output=True, text=True, check=True
        ).stdout.split()
        ours = [
            pid for pid in watchers if name.removeprefix("mlproj-").encode() in _read(Path("/proc", pid, "cmdline"))
        ]
        for pid in ours:
            os.kill(int(pid), signal.SIGKILL)
        process.kill()
        process.communicate()
    assert ours and containers(engine) == [name]
    monkeypatch.delenv("MLPROJ_CONTAINER_ENGINE")  # the first engine that answers may be another one
    assert "removed 1 container of runs that were killed" in mlproj("env", "prune").out
    assert containers(engine) == []


def test_an_image_is_built_from_the_projects_dockerfile(engine: str, tmp_path: Path) -> None:
    text = """
docker_env:
  build: {context: docker, args: {GREETING: "hello there", HOME: /nowhere, DOCKER_HOST: none}, target: used}
entry_points: {main: {command: "cat /greeting /file.txt"}}
"""
    folder = project(tmp_path / "p", text)
    (folder / "docker").mkdir()
    (folder / "docker" / "file.txt").write_text("of the context\n")
    dockerfile = (
        f"FROM {TAG} AS used\nARG GREETING=none\nARG HOME\nRUN echo $GREETING $HOME > /greeting\nCOPY file.txt /\nFROM"
        " used\nRUN exit 1\n"
    )
    (folder / "docker" / "Dockerfile").write_text(dockerfile)
    _, run = run_json(folder)
    assert (paths.run_dir(run["run_id"]) / "output.log").read_text() == "hello there /nowhere\nof the context\n"
    (folder / "docker" / "file.txt").write_text("changed\n")
    _, again = run_json(folder)
    assert (paths.run_dir(again["run_id"]) / "output.log").read_text().endswith("changed\n")
    assert again["environment"]["image"]["id"] != run["environment"]["image"]["id"]

    (folder / "docker" / "Dockerfile").write_text(f"FROM {TAG} AS used\nRUN echo the reason >&2; exit 3\n")
    failed = mlproj("run", folder)
    assert failed.code == 73 and "the image cannot be built" in failed.err and "the reason" in failed.err


def test_files_are_copied_into_an_image_when_asked(engine: str, tmp_path: Path) -> None:
    text = f"docker_env: {{image: '{TAG}'}}\nentry_points: {{main: {{command: 'cat kept.txt; touch made; pwd'}}}}\n"
    folder = project(tmp_path / "p", text, kept__txt="kept\n")
    _, run = run_json(folder, "--build-image")
    assert (paths.run_dir(run["run_id"]) / "output.log").read_text() == "kept\n/mlflow/projects/code\n"
    assert not (folder / "made").exists() and run["environment"]["image"]["name"] == TAG
    assert any("--build-image" in note for note in run["environment"]["notes"])
    identity = run["environment"]["image"]["id"].removeprefix("sha256:")
    assert [name.removeprefix("localhost/") for name in images(engine)] == [f"mlproj-image:{identity[:12]}"]
    asked(engine, "tag", identity, f"kept:{identity[:12]}")
    assert "removed 1 image of container engines" in mlproj("env", "prune").out
    assert [name.removeprefix("localhost/") for name in images(engine)] == [f"kept:{identity[:12]}"]


def test_an_input_is_read_where_it_is(engine: str, tmp_path: Path) -> None:
    main = "{parameters: {data: path}, command: 'cat {data}; echo x >> {data} || true'}"
    text = f"docker_env: {{image: '{TAG}'}}\nentry_points: {{main: {main}}}\n"
    folder = project(tmp_path / "p", text)
    (tmp_path / "a b.csv").write_text("1,2\n")
    _, run = run_json(folder, "-P", f"data={tmp_path / 'a b.csv'}")
    assert (paths.run_dir(run["run_id"]) / "output.log").read_text().startswith("1,2\n")
    assert (tmp_path / "a b.csv").read_text() == "1,2\n"
    (folder / "own.csv").write_text("own\n")
    _, run = run_json(folder, "-P", f"data={folder / 'own.csv'}")
    assert (paths.run_dir(run["run_id"]) / "output.log").read_text().startswith("own\n")


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        ("image: nowhere.invalid/team/none:1", 73, "nowhere.invalid/team/none:1 cannot be pulled"),
        ("image: none, pull: never", 73, "docker_env says pull: never"),
        ("image: '-v /:/host'", 65, "cannot be the name of an image"),
        (f"image: '{TAG}', volumes: ['data:relative']", 65, "names no absolute folder in the container"),
        (f"image: '{TAG}', environment: [NOT_SET_HERE]", 73, "export NOT_SET_HERE="),
        ("dockerfile: ../Dockerfile", 65, "outside of the project's source"),
        ("dockerfile: Dockerfile", 65, "no such file"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(engine: str, tmp_path: Path, options: str, code: int, told: str) -> None:
    folder = project(tmp_path / "p", f"docker_env: {{{options}}}\nentry_points: {{main: {{command: 'true'}}}}\n")
    done = mlproj("run", folder)
    assert (done.code, told in done.err, "Traceback" in done.err) == (code, True, False), done.err
    assert containers(engine) == []


def test_an_option_that_the_engine_refuses_is_told(engine: str, tmp_path: Path) -> None:
    folder = project(tmp_path / "p", f"docker_env: {{image: '{TAG}'}}\nentry_points: {{main: {{command: 'true'}}}}\n")
    done = mlproj("run", folder, "-A", "no-such-option=1", "--json")
    assert done.code == 69 and "cannot make the container" in done.document["error"]["message"]
    assert mlproj("run", folder, "-A", "x;y=1").code == 2
    run = mlproj("runs", "list", "--json").document["runs"][0]
    assert run["status"] == "FAILED" and "no-such-option" in run["status_reason"]


def test_without_network_the_program_runs_and_it_is_said(engine: str, tmp_path: Path) -> None:
    text = f"docker_env: {{image: '{TAG}'}}\nentry_points: {{main: {{command: 'echo n=1 >> $MLPROJ_METRICS'}}}}\n"
    done = mlproj("run", project(tmp_path / "p", text), "-A", "network=none", "--json")
    assert done.code == 0 and "has no network" in done.err and done.document["run"]["metrics"]["n"] == 1


def test_the_network_of_this_machine_reaches_the_run_too(engine: str, tmp_path: Path) -> None:
    text = f"docker_env: {{image: '{TAG}'}}\nentry_points: {{main: {{command: 'python logs.py'}}}}\n"
    _, run = run_json(project(tmp_path / "p", text, logs__py=LOGS), "-A", "network=host")
    assert run["metrics"]["loss"] == 0.25


def test_memory_that_is_used_up_is_told(engine: str, tmp_path: Path) -> None:
    text = f"docker_env: {{image: '{TAG}'}}\nentry_points: {{main: {{command: 'python eat.py'}}}}\n"
    folder = project(tmp_path / "p", text, eat__py="kept = []\nwhile True: kept.append(bytearray(b'x' * 10**7))\n")
    done = mlproj("run", folder, "-A", "memory=64m", "-A", "memory-swap=64m", "--json")
    assert done.code == 137, done.err
    assert "memory" in done.document["run"]["status_reason"]


def test_a_container_that_somebody_removes_ends_the_run(engine: str, tmp_path: Path) -> None:
    folder = project(
        tmp_path / "p", f'docker_env: {{image: "{TAG}"}}\nentry_points: {{main: {{command: "{STUBBORN}"}}}}\n'
    )
    with start("run", folder, "--json") as process:
        wait_for(folder / "started", process)
        asked(engine, "rm", "--force", *containers(engine))
        out, err = process.communicate()
    run = json.loads(out)["run"]
    assert run["status"] in ("FAILED", "KILLED") and process.returncode not in (0, None), err


def test_no_engine_is_told_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project(tmp_path / "p", "docker_env: {image: x}\nentry_points: {main: {command: 'true'}}\n")
    (tmp_path / "bin").mkdir()
    for tool in ("git", "bash", "sh"):
        (tmp_path / "bin" / tool).symlink_to(Path("/usr/bin") / tool)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    done = mlproj("run", folder, env={"PATH": str(tmp_path / "bin")})
    assert done.code == 69 and "install docker" in done.err and "--env-manager local" in done.err
    named = mlproj("run", folder, env={"MLPROJ_CONTAINER_ENGINE": "/no/such/engine"})
    assert named.code == 2 and "/no/such/engine" in named.err


@pytest.mark.needs("docker")
def test_an_engine_that_is_away_is_told(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "docker_env: {image: x}\nentry_points: {main: {command: 'true'}}\n")
    away = {"MLPROJ_CONTAINER_ENGINE": "docker", "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    done = mlproj("run", folder, env=away)
    assert done.code == 69 and "docker does not answer" in done.err
    elsewhere = mlproj("run", folder, env={"MLPROJ_CONTAINER_ENGINE": "docker", "DOCKER_HOST": "tcp://127.0.0.1:9"})
    assert elsewhere.code == 69 and "docker does not answer" in elsewhere.err
