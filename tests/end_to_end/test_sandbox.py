"""``mlproj run --sandbox``: what a hostile program cannot reach, and what an honest one does not miss."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlproj.foundation import paths
from tests.backends import witness
from tests.program import Result, mlproj, project, start
from tests.sources.repository import commit

pytestmark = [
    pytest.mark.needs("bwrap", "ps"),
    pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is Linux's"),
]

ATTEMPT = """
import json, os, sys
def attempt(action):
    try:
        return repr(action())
    except Exception as error:
        return "refused: " + type(error).__name__
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    """Run this command (with these files) in a sandbox, in the current environment."""

    def run(command: str, *arguments: str, env: dict[str, str] | None = None, **files: str) -> Result:
        folder = project(tmp_path / "project", json.dumps({"entry_points": {"main": {"command": command}}}), **files)
        return mlproj("run", folder, "--sandbox", "--env-manager", "local", *arguments, env=env)

    return run


@pytest.fixture
def tell(run: Callable[..., Result]) -> Callable[..., Any]:
    """What a program in the sandbox is told by this Python expression."""

    def tell(expression: str, *arguments: str, env: dict[str, str] | None = None) -> str:
        code = f"{ATTEMPT}\nprint(attempt(lambda: {expression}))\n"
        result = run(f"{sys.executable} probe.py", *arguments, env=env, probe__py=code)
        assert result.code == 0, result.err
        return result.out.strip()

    return tell


def test_secrets_of_the_home_are_not_there(tell: Callable[..., str]) -> None:
    home = Path.home()
    (home / ".ssh").mkdir()
    (home / ".ssh" / "id_ed25519").write_text("secret")

    assert tell("open(os.path.expanduser('~/.ssh/id_ed25519')).read()") == "refused: FileNotFoundError"
    assert tell("open('/root/.ssh/authorized_keys').read()").startswith("refused")


def test_the_records_of_other_runs_are_not_there(tell: Callable[..., str]) -> None:
    assert tell("open(os.environ['MLPROJ_HOME'] + '/mlproj.db').read()") == "refused: FileNotFoundError"
    assert tell("len(os.listdir(os.environ['MLPROJ_HOME'] + '/runs'))") == "1"


def test_a_store_that_lies_elsewhere_cannot_be_read(tell: Callable[..., str], tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may write outside of what is hidden anyway")
    elsewhere = Path("/var/lib") / f"mlproj-test-{os.getpid()}.db"
    try:
        uri = {"MLPROJ_TRACKING_URI": f"sqlite:///{elsewhere}"}
        assert tell(f"len(open({str(elsewhere)!r}, 'rb').read())", env=uri).startswith("refused")
        assert sqlite3.connect(elsewhere).execute("SELECT count(*) FROM runs").fetchone() == (1,)
    finally:
        for end in ("", "-wal", "-shm"):
            Path(f"{elsewhere}{end}").unlink(missing_ok=True)


def test_nothing_answers_but_the_runs_own_server(tell: Callable[..., str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert (
            tell(f"__import__('socket').create_connection(('127.0.0.1', {port}), 5)")
            == "refused: ConnectionRefusedError"
        )
    assert tell("__import__('socket').create_connection(('192.0.2.1', 80), 5)").startswith("refused")
    assert tell("__import__('socket').getaddrinfo('example.org', 80)") == "refused: gaierror"


def test_sockets_of_services_are_not_there(tell: Callable[..., str]) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        place = f"/tmp/mlproj-test-{os.getpid()}"
        server.bind(place)
        server.listen()
        assert tell(f"__import__('socket').socket(1).connect({place!r})") == "refused: FileNotFoundError"
        os.unlink(place)
    assert tell("os.listdir('/run')") == "[]" or Path("/run/current-system").exists()


@pytest.mark.parametrize(
    "place",
    [
        "/etc/mlproj-was-here",
        "/usr/mlproj-was-here",
        "/proc/sys/kernel/core_pattern",
        "/proc/sysrq-trigger",
        "/sys/kernel/uevent_helper",
    ],
)
def test_nothing_can_be_written_outside(tell: Callable[..., str], place: str) -> None:
    assert tell(f"open({place!r}, 'a')").startswith("refused")
    assert not place.endswith("was-here") or not Path(place).exists()


def test_nothing_can_be_mounted_or_removed_from_view(tell: Callable[..., str]) -> None:
    assert (
        tell("__import__('subprocess').check_call(['mount', '-o', 'remount,rw', '/'])") == "refused: CalledProcessError"
    )
    assert (
        tell("__import__('subprocess').check_call(['umount', os.path.expanduser('~')])")
        == "refused: CalledProcessError"
    )


def test_the_plan_the_log_and_the_record_of_the_run_cannot_be_changed(tell: Callable[..., str]) -> None:
    for name in ("plan.json", "output.log"):
        assert tell(f"open(os.environ['MLPROJ_RUN_DIR'] + '/{name}', 'a')").startswith("refused")
    assert tell("os.symlink('/etc/passwd', os.environ['MLPROJ_RUN_DIR'] + '/x')").startswith("refused")


def test_links_that_the_program_leaves_lead_nobody_to_what_it_may_not_read(run: Callable[..., Result]) -> None:
    secret = Path.home() / "secret.txt"
    secret.write_text("the secret itself")

    result = run(f"ln -s {secret} out.txt; ln -s {secret} $MLPROJ_ARTIFACTS/art.txt; rm -f $MLPROJ_METRICS", "--json")

    kept = [path for path in (paths.home() / "artifacts").rglob("*") if path.is_file() and not path.is_symlink()]
    assert result.document["run"]["outputs"] == []
    assert all(b"the secret" not in path.read_bytes() for path in kept)


def test_variables_that_look_secret_are_withheld(tell: Callable[..., str]) -> None:
    env = {"AWS_SECRET_ACCESS_KEY": "s", "HF_TOKEN": "t", "DATABASE_URL": "postgres://ann:pass@host/x", "PLAIN": "kept"}

    seen = tell(
        "sorted(set(os.environ) & {'AWS_SECRET_ACCESS_KEY', 'HF_TOKEN', 'DATABASE_URL', 'PLAIN',"
        " 'MLFLOW_TRACKING_TOKEN'})",
        env=env,
    )

    assert seen == "['MLFLOW_TRACKING_TOKEN', 'PLAIN']"


def test_processes_outside_are_not_seen(tell: Callable[..., str]) -> None:
    assert int(tell("len([name for name in os.listdir('/proc') if name.isdigit()])")) < 10


# What a program needs is there.

LOGGING = """
import json, os, urllib.request
def post(path, **body):
    headers = {"Content-Type": "application/json", "Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"]}
    address = os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/" + path
    return json.load(urllib.request.urlopen(urllib.request.Request(address, json.dumps(body).encode(), headers)))
info = post("runs/create", experiment_id="0")["run"]["info"]
for step in range(20):
    post("runs/log-metric", run_id=info["run_id"], key="loss", value=1 / (step + 1), timestamp=step, step=step)
print(info["artifact_uri"].partition(":")[0])
"""


def test_a_program_logs_in_every_way(run: Callable[..., Result]) -> None:
    append = (
        'echo "n=2" >> $MLPROJ_METRICS; echo "a=1" >> $MLPROJ_PARAMS; echo x > $MLPROJ_ARTIFACTS/kept.txt; echo y >'
        " made.txt"
    )
    result = run(f"{sys.executable} log.py; {append}", "--json", log__py=LOGGING)

    record = result.document["run"]
    assert (record["status"], record["metrics"]["loss"], record["metrics"]["n"]) == ("FINISHED", 0.05, 2.0)
    assert record["params"]["a"] == "1"
    assert [output["path"] for output in record["outputs"]] == ["made.txt"]
    assert (Path(record["artifact_uri"].removeprefix("file://")) / "kept.txt").read_text() == "x\n"
    assert "mlflow-artifacts" in result.err, "files of MLflow go through the server"


@pytest.mark.parametrize(
    "command, code", [("exit 7", 7), ("kill -SEGV $$", 139), ("kill -KILL $$", 137), ("no-such-program", 127)]
)
def test_the_exit_code_is_the_programs_own(run: Callable[..., Result], command: str, code: int) -> None:
    assert run(command).code == code


def test_what_ends_well_in_the_place_of_the_command_is_no_success(run: Callable[..., Result]) -> None:
    result = run("echo ran", "--json", env={"BASH_ENV": "./ends.sh"}, ends__sh="exit 0\n")
    assert result.code == 73 and "the command never began" in result.document["error"]["message"]


def test_what_a_pipeline_still_writes_is_kept(run: Callable[..., Result]) -> None:
    assert run("exec > >(sleep 0.1; cat); echo late").out == "late\n"


def test_standard_input_reaches_the_program(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "entry_points: {main: {command: cat}}")
    process = start("run", folder, "--sandbox", "--env-manager", "local", stdin=subprocess.PIPE)

    out, _ = process.communicate(b"through the pipe\n")

    assert out == b"through the pipe\n"


def test_a_git_checkout_is_a_work_tree_there(tmp_path: Path) -> None:
    commit(tmp_path / "work", {"MLproject": "entry_points: {main: {command: git log --format=%s}}"})

    result = mlproj("run", f"file://{tmp_path}/work", "--sandbox", "--env-manager", "local")

    assert (result.code, result.out) == (0, "a change\n"), result.err


def test_a_file_that_a_parameter_names_can_be_read_and_not_written(tmp_path: Path) -> None:
    data = Path.home() / "data.csv"
    data.write_text("1,2\n")
    folder = project(
        tmp_path / "p",
        "entry_points: {main: {parameters: {data: path}, command: 'cat {data}; echo x >> {data} || echo refused'}}",
    )

    result = mlproj("run", folder, "--sandbox", "--env-manager", "local", "-P", f"data={data}")

    assert result.out == "1,2\nrefused\n"
    assert f"not confined: {data} is visible, because parameter data names it" in result.err


@pytest.mark.needs("index")
def test_an_environment_that_is_built_is_used(tmp_path: Path) -> None:
    folder = project(
        tmp_path / "p",
        "{python_env: python_env.yaml, entry_points: {main: {command: python -c 'import six;"
        " print(six.__version__)'}}}",
        python_env__yaml="dependencies: [six==1.16.0]\n",
    )

    result = mlproj("run", folder, "--sandbox")

    assert (result.code, result.out) == (0, "1.16.0\n"), result.err
    assert "not confined: building the environment" in result.err


def test_a_home_that_links_elsewhere_keeps_its_pythons(tmp_path: Path) -> None:
    """An interpreter in the home that is reached through links, as pyenv and uv make them."""
    home = Path.home()
    (home / "versions").mkdir()
    (home / "versions" / "current").symlink_to(Path(sys.base_prefix))
    (home / "bin").mkdir()
    (home / "bin" / "python").symlink_to(home / "versions" / "current" / "bin" / "python3")
    folder = project(tmp_path / "p", "entry_points: {main: {command: python -c 'print(1)'}}")

    result = mlproj("run", folder, "--sandbox", "--env-manager", "local", env={"PATH": f"{home}/bin:/usr/bin:/bin"})

    assert (result.code, result.out) == (0, "1\n"), result.err


# How it ends.

HOLDING = "sleep 1000 & setsid sleep 1000 & env -i setsid -f sleep 1000; echo ready; wait"
MARK = str(100_000 + os.getpid())
"""Seconds that no other program on this machine sleeps for."""


def sleepers() -> list[int]:
    """The processes of the command above."""
    listing = subprocess.run(["ps", "-A", "-o", "pid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listing.splitlines()]
    return [int(row[0]) for row in rows if len(row) == 3 and not row[1].startswith("Z") and row[2] == f"sleep {MARK}"]


Begin = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Start ``mlproj run --sandbox`` and wait until its program says that it is ready."""
    begun: list[subprocess.Popen[bytes]] = []

    def begin(command: str, *arguments: str) -> subprocess.Popen[bytes]:
        text = json.dumps({"entry_points": {"main": {"command": command.replace("1000", MARK)}}})
        process = start("run", project(tmp_path / "p", text), "--sandbox", "--env-manager", "local", *arguments)
        begun.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        while command == HOLDING and len(sleepers()) < 3:
            time.sleep(0.02)
        return process

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_of_it_and_the_run_is_killed(begin: Begin, number: signal.Signals) -> None:
    process = begin(HOLDING)

    process.send_signal(number)
    process.communicate()

    assert process.returncode == 128 + number
    assert sleepers() == []
    assert mlproj("runs", "show", "last", "--json").document["run"]["status"] == "KILLED"


def test_the_program_may_finish_its_work_when_asked_to_end(begin: Begin) -> None:
    process = begin("trap 'sleep 0.3; echo saved; exit 5' TERM; echo ready; while :; do sleep 0.02; done")

    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate()

    assert out == b"saved\n"


def test_a_program_that_ignores_it_is_killed_after_the_grace_time(begin: Begin) -> None:
    process = begin("trap '' TERM; echo ready; while :; do sleep 0.02; done", "--grace", "200ms")

    process.send_signal(signal.SIGTERM)
    process.communicate()

    assert process.returncode == 143


def test_a_timeout_ends_all_of_it(begin: Begin) -> None:
    process = begin(HOLDING, "--timeout", "2s")

    process.communicate()

    assert process.returncode == 124
    assert sleepers() == []


def test_a_daemon_that_hides_does_not_outlive_the_command(run: Callable[..., Result]) -> None:
    result = run(f"env -i setsid -f sleep {MARK} >/dev/null 2>&1 </dev/null; echo done", "--grace", "1s")

    assert (result.code, result.out) == (0, "done\n")
    assert sleepers() == []


def test_nothing_goes_on_when_mlproj_is_killed(begin: Begin) -> None:
    process = begin(HOLDING, "--grace", "500ms")
    left = sleepers()

    process.kill()
    process.communicate()

    for pid in left:
        witness.await_end(pid)
    assert mlproj("runs", "list", "--json").document["runs"][0]["status"] == "KILLED"


# What is said.


def test_what_is_not_confined_is_said_and_recorded(run: Callable[..., Result]) -> None:
    result = run("true", "--json")

    record = result.document["run"]
    plan = json.loads((paths.run_dir(record["run_id"]) / "plan.json").read_text())["plan"]
    assert plan["sandbox"]["by"] == "bubblewrap"
    assert any("/etc" in line for line in plan["sandbox"]["not_confined"])
    assert "not confined: the kernel" in result.err
    assert "not confined: the kernel" in mlproj("runs", "show", "last").out


def test_a_plan_without_a_sandbox_says_so(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "entry_points: {main: {command: 'true'}}")

    assert mlproj("run", folder, "--dry-run", "--json").document["plan"]["sandbox"] is None


def test_without_bubblewrap_nothing_is_run(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "entry_points: {main: {command: touch ran}}")
    (tmp_path / "bin").mkdir()
    for name in ("git", "bash"):
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))

    process = subprocess.run(
        [sys.executable, "-m", "mlproj", "run", folder, "--sandbox", "--env-manager", "local"],
        env={**os.environ, "PATH": str(tmp_path / "bin")},
        capture_output=True,
        check=False,
    )

    assert process.returncode == 69
    assert b"apt install bubblewrap" in process.stderr
    assert not (folder / "ran").exists()


@pytest.mark.parametrize(("failures", "code"), [(2, 7), (9, 1)])
def test_a_sandbox_that_fails_before_the_command_began_is_tried_again(
    run: Callable[..., Result], tmp_path: Path, failures: int, code: int
) -> None:
    """A container's mount of this machine may vanish while bubblewrap goes through all of them."""
    (tmp_path / "bin").mkdir()
    count = tmp_path / "count"
    (tmp_path / "bin" / "bwrap").write_text(
        f"""#!/bin/sh
[ "$#" -lt 20 ] && exec {shutil.which("bwrap")} "$@"
echo x >>{count}
[ $(wc -l <{count}) -gt {failures} ] && exec {shutil.which("bwrap")} "$@"
echo "bwrap: Can't remount readonly on /newroot/gone: Unable to apply mount flags" >&2; exit 1
"""
    )
    (tmp_path / "bin" / "bwrap").chmod(0o755)
    path = f"{tmp_path / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"

    result = run("sh -c '[ $MLPROJ_RUN_ID ] && echo began && exit 7'", env={"PATH": path})

    assert (result.code, result.out) == (code, "began\n" if code == 7 else ""), result.err
    assert "bwrap failed before the command began, and is tried again" in result.err
    assert len(count.read_text().split()) == 3


def test_a_machine_that_forbids_sandboxes_is_told(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "entry_points: {main: {command: touch ran}}")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "bwrap").write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2; exit 1\n"
    )
    (tmp_path / "bin" / "bwrap").chmod(0o755)

    process = subprocess.run(
        [sys.executable, "-m", "mlproj", "run", folder, "--sandbox", "--env-manager", "local"],
        env={**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"},
        capture_output=True,
        check=False,
    )

    assert process.returncode == 69
    assert b"No permissions to create new namespace" in process.stderr
    assert b"user namespaces" in process.stderr
    assert not (folder / "ran").exists()


def test_a_project_that_is_the_home_is_refused() -> None:
    project(Path.home(), "entry_points: {main: {command: touch ran}}")

    result = mlproj("run", Path.home(), "--sandbox", "--env-manager", "local")

    assert result.code == 2
    assert "--sandbox hides" in result.err
    assert not (Path.home() / "ran").exists()


def test_a_parameter_that_names_the_home_is_refused(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "entry_points: {main: {parameters: {data: path}, command: 'ls {data}'}}")

    result = mlproj("run", folder, "--sandbox", "--env-manager", "local", "-P", f"data={Path.home()}")

    assert result.code == 2
    assert "parameter data" in result.err


@pytest.mark.parametrize("arguments", [(), ("-P", "data=link")], ids=["by a default", "by a link"])
def test_a_file_outside_that_the_project_chooses_is_refused(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    secret = tmp_path / "secret.txt"
    secret.touch()
    main = {"parameters": {"data": {"type": "path", "default": str(secret)}}, "command": "cat {data}; touch ran"}
    folder = project(tmp_path / "p", json.dumps({"entry_points": {"main": main}}))
    (folder / "link").symlink_to(secret)

    result = mlproj("run", folder, "--sandbox", "--env-manager", "local", *arguments)

    assert result.code == 2 and f"-P data={secret}" in result.err
    assert not (folder / "ran").exists()
    assert mlproj("run", folder, "--sandbox", "--env-manager", "local", "-P", f"data={secret}").code == 0


def test_a_file_of_the_project_may_be_a_default(tmp_path: Path) -> None:
    main = {"parameters": {"data": {"type": "path", "default": "data.csv"}}, "command": "cat {data}"}
    folder = project(tmp_path / "p", json.dumps({"entry_points": {"main": main}}), data__csv="1,2\n")

    assert mlproj("run", folder, "--sandbox", "--env-manager", "local").out == "1,2\n"


def test_another_backend_cannot_be_confined(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "entry_points: {main: {command: 'true'}}")

    result = mlproj("run", folder, "--sandbox", "--backend", "slurm")

    assert result.code == 2
    assert "--sandbox confines what runs on this machine" in result.err


def test_a_server_that_the_project_names_is_answered_in_the_sandbox(run: Callable[..., Result]) -> None:
    log = """# mlflow
import json, urllib.request
tracking_uri = "http://localhost:5000"
def post(host, path, **body):
    address = f"http://{host}:5000/api/2.0/mlflow/{path}"
    request = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=30))
run = post("localhost", "runs/create", experiment_id="0")["run"]["info"]["run_id"]
post("127.0.0.1", "runs/log-parameter", run_id=run, key="a", value="1")
post("[::1]", "runs/log-parameter", run_id=run, key="b", value="2")
"""
    result = run(f"{sys.executable} train.py", "--json", train__py=log)

    found = result.document["run"]
    assert (found["status"], found["params"]) == ("FINISHED", {"a": "1", "b": "2"}), result.err
    assert "nothing listens where the command runs, so the run's own tracking server answers" in result.err
