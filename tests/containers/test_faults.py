"""An engine that goes away, and builds that are broken off."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from mlproj import paths
from tests.containers import base_image
from tests.containers.base_image import TAG
from tests.containers.conftest import asked
from tests.containers.test_run import STUBBORN
from tests.end_to_end.test_faults import wait_for
from tests.program import mlproj, project, start


@pytest.fixture
def own_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """A docker engine of this test alone, which it may kill; its network is its own, too, or it would take away the bridge of another."""
    folder = Path(tempfile.mkdtemp(prefix="mlproj-engine-"))
    address = f"unix://{folder}/docker.sock"
    places = ["--data-root", folder / "data", "--exec-root", folder / "exec", "--pidfile", folder / "pid", "--host", address]
    apart = ["--bridge", "none", "--iptables=false", "--storage-driver", "vfs"]
    with (folder / "log").open("wb") as log, subprocess.Popen(["unshare", "--net", "dockerd", *places, *apart], stderr=log) as process:
        monkeypatch.setenv("DOCKER_HOST", address)
        monkeypatch.setenv("MLPROJ_CONTAINER_ENGINE", "docker")
        deadline = time.monotonic() + 60
        while subprocess.run(["docker", "info"], capture_output=True, check=False).returncode or "ServerErrors" in _info():
            assert time.monotonic() < deadline and process.poll() is None, (folder / "log").read_text()
            time.sleep(0.2)
        base_image.make("docker")
        yield process
        process.kill()
    # What ran in its containers goes on without it, and carries the run's id.
    for pid in (*_with(str(folder), "cmdline"), *_with(f"MLPROJ_RUN_DIR={paths.home()}", "environ")):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for mounted in [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if str(folder) in line]:
        subprocess.run(["umount", "--lazy", mounted], check=False)
    shutil.rmtree(folder, ignore_errors=True)


def _info() -> str:
    return subprocess.run(["docker", "info", "--format", "{{json .}}"], capture_output=True, text=True, check=False).stdout


def _with(word: str, where: str) -> list[int]:
    """Processes with *word* in their command line or environment, but not this one."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                if word.encode() in Path("/proc", name, where).read_bytes():
                    found.append(int(name))
            except OSError:
                continue
    return found


@pytest.mark.needs("docker", "root")
def test_an_engine_that_is_killed_in_mid_run_ends_the_run(own_engine: subprocess.Popen[bytes], tmp_path: Path) -> None:
    folder = project(tmp_path / "p", f'docker_env: {{image: "{TAG}"}}\nentry_points: {{main: {{command: "{STUBBORN}"}}}}\n')
    with start("run", folder, "-A", "network=none", "--json") as process:
        wait_for(folder / "started", process)
        own_engine.kill()
        out, err = process.communicate(timeout=90)
    assert process.returncode == 69 and b"Traceback" not in err, err
    assert "went away while the run was on" in json.loads(out)["error"]["message"]
    run = mlproj("runs", "list", "--json").document["runs"][0]
    assert run["status"] == "FAILED" and "went away" in run["status_reason"]


def test_a_build_that_is_broken_off_leaves_nothing_and_is_done_again(engine: str, tmp_path: Path) -> None:
    text = "docker_env: {dockerfile: Dockerfile}\nentry_points: {main: {command: 'cat /made'}}\n"
    folder = project(tmp_path / "p", text, Dockerfile=f"FROM {TAG}\nRUN echo {uuid4().hex} && sleep 4\nRUN echo made > /made\n")
    before = set(asked(engine, "ps", "--all", "--quiet").split())
    with start("run", folder) as process:
        time.sleep(2.5)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 143, err
    run = mlproj("runs", "list", "--json").document["runs"][0]
    assert run["status"] == "KILLED"
    deadline = time.monotonic() + 20
    while set(asked(engine, "ps", "--all", "--quiet").split()) - before:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert mlproj("run", folder, "-q").out == "made\n"


def test_two_who_need_the_same_image_at_once_both_get_it(engine: str, tmp_path: Path) -> None:
    text, unique = "docker_env: {dockerfile: Dockerfile}\nentry_points: {main: {command: 'cat /made'}}\n", uuid4().hex
    folder = project(tmp_path / "p", text, Dockerfile=f"FROM {TAG}\nRUN echo {unique} > /made\n")
    processes = [start("run", folder, "-q") for _ in range(3)]
    assert [process.communicate(timeout=120)[0] for process in processes] == [f"{unique}\n".encode()] * 3
