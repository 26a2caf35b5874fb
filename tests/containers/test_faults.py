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
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import pytest

from mlproj.foundation import paths
from tests.containers import base_image
from tests.containers.base_image import TAG
from tests.containers.conftest import asked, usable
from tests.containers.test_run import STUBBORN
from tests.end_to_end.test_faults import wait_for
from tests.program import mlproj, project, start

_SMALL, _ENOUGH = "130m", "700m"
_BIG = 60_000_000  # bytes


@pytest.fixture
def place() -> Iterator[Path]:
    """The folder of an engine."""
    folder = Path(tempfile.mkdtemp(prefix="mlproj-engine-"))
    yield folder
    for mounted in [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if str(folder) in line]:
        subprocess.run(["umount", "--lazy", mounted], check=False)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def small_disk(place: Path) -> Path:
    """A disk on which the base image finds room, and not much more."""
    disk = place / "data"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_SMALL}", "tmpfs", disk], check=True)
    return disk


@pytest.fixture
def own_engine(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """A docker engine of this test alone, which it may kill."""
    with _docker(place, monkeypatch) as process:
        yield process


@contextmanager
def _docker(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """A docker engine with its files in *folder*; its network is its own, too, or it would take away the bridge of
    another."""
    address = f"unix://{folder}/docker.sock"
    places = [
        "--data-root",
        folder / "data",
        "--exec-root",
        folder / "exec",
        "--pidfile",
        folder / "pid",
        "--host",
        address,
    ]
    apart = ["--bridge", "none", "--iptables=false", "--storage-driver", "vfs"]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(["unshare", "--net", "dockerd", *places, *apart], stderr=log) as process,
    ):
        monkeypatch.setenv("DOCKER_HOST", address)
        monkeypatch.setenv("MLPROJ_CONTAINER_ENGINE", "docker")
        try:
            deadline = time.monotonic() + 60
            while (
                subprocess.run(["docker", "info"], capture_output=True, check=False).returncode
                or "ServerErrors" in _info()
            ):
                assert time.monotonic() < deadline and process.poll() is None, (folder / "log").read_text()
                time.sleep(0.2)
            base_image.make("docker")
            yield process
        finally:
            process.kill()
    # What ran in its containers goes on without it, and carries the run's id.
    for pid in (*_with(str(folder), "cmdline"), *_with(f"MLPROJ_RUN_DIR={paths.home()}", "environ")):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _info() -> str:
    return subprocess.run(
        ["docker", "info", "--format", "{{json .}}"], capture_output=True, text=True, check=False
    ).stdout


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
    folder = project(
        tmp_path / "p", f'docker_env: {{image: "{TAG}"}}\nentry_points: {{main: {{command: "{STUBBORN}"}}}}\n'
    )
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
    lasting = f"6.{os.getpid():07}"  # as no other program sleeps; podman's own steps go on when it is ended
    dockerfile = f"FROM {TAG}\nRUN echo {uuid4().hex} && sleep {lasting}\nRUN echo made > /made\n"
    folder = project(tmp_path / "p", text, Dockerfile=dockerfile)
    before = set(asked(engine, "ps", "--all", "--quiet").split())
    with start("run", folder) as process:
        while not _with(f"sleep\0{lasting}", "cmdline"):
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 143, err
    run = mlproj("runs", "list", "--json").document["runs"][0]
    assert run["status"] == "KILLED"
    deadline = time.monotonic() + 20
    while set(asked(engine, "ps", "--all", "--quiet").split()) - before:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    (folder / "Dockerfile").write_text(dockerfile.replace(lasting, "0"))
    assert mlproj("run", folder, "-q").out == "made\n"


def test_two_who_need_the_same_image_at_once_both_get_it(engine: str, tmp_path: Path) -> None:
    text, unique = "docker_env: {dockerfile: Dockerfile}\nentry_points: {main: {command: 'cat /made'}}\n", uuid4().hex
    folder = project(tmp_path / "p", text, Dockerfile=f"FROM {TAG}\nRUN echo {unique} > /made\n")
    processes = [start("run", folder, "-q") for _ in range(3)]
    assert [process.communicate(timeout=120)[0] for process in processes] == [f"{unique}\n".encode()] * 3


@pytest.fixture(params=["docker", "podman"])
def full_engine(
    request: pytest.FixtureRequest, place: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """An engine whose own disk is small; what it makes is whole copies."""
    monkeypatch.setenv("MLPROJ_CONTAINER_ENGINE", request.param)
    if request.param == "docker":
        with _docker(place, monkeypatch):
            yield "docker"
        return
    _in_copies(place, small_disk, monkeypatch)
    base_image.make("podman")
    yield "podman"


def _in_copies(place: Path, disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let podman keep everything on *disk*, each layer as a whole copy."""
    monkeypatch.setenv("MLPROJ_CONTAINER_ENGINE", "podman")
    (place / "storage.conf").write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{disk}"\nrunroot = "{place}/run"\n')
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(place / "storage.conf"))


@pytest.mark.needs("docker", "podman", "root")
def test_a_build_that_fills_the_engines_disk_says_so_and_leaves_nothing(
    full_engine: str, small_disk: Path, tmp_path: Path
) -> None:
    text = "docker_env: {dockerfile: Dockerfile}\nentry_points: {main: {command: 'wc -c < /big'}}\n"
    folder = project(tmp_path / "p", text, Dockerfile=f"FROM {TAG}\nCOPY big /big\n")
    with (folder / "big").open("wb") as big:
        big.truncate(_BIG)
    known = _known(full_engine)
    done = mlproj("run", folder, "-A", "network=none", "--json")
    error = done.document["error"]
    assert (
        done.code == 73
        and "no space left on device" in error["message"]
        and f"{full_engine} system prune" in error["hint"]
    ), done.err
    run = mlproj("runs", "list", "--json").document["runs"][0]
    assert run["status"] == "FAILED" and "no space left on device" in run["status_reason"]
    assert _known(full_engine) == known
    subprocess.run(["mount", "-o", f"remount,size={_ENOUGH}", small_disk], check=True)
    assert mlproj("run", folder, "-A", "network=none", "-q").out == f"{_BIG}\n"


@pytest.mark.needs("podman", "docker-registry", "root")
def test_a_pull_that_fills_the_engines_disk_says_so_and_leaves_nothing(
    registry: str, place: Path, small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usable("podman")
    (tmp_path / "Dockerfile").write_text(f"FROM {TAG}\nRUN head -c {_BIG} /dev/zero > /big\n")
    name = f"{registry}/team/big:1"
    asked("podman", "build", "--quiet", "--tag", name, str(tmp_path))
    asked("podman", "push", "--quiet", name)
    asked("podman", "rmi", name)
    _in_copies(place, small_disk, monkeypatch)
    folder = project(
        tmp_path / "p", f"docker_env: {{image: '{name}'}}\nentry_points: {{main: {{command: 'wc -c < /big'}}}}\n"
    )
    done = mlproj("run", folder, "--json")
    error = done.document["error"]
    assert (
        done.code == 73
        and "no space left on device" in error["message"]
        and "the disk of podman is full" in error["hint"]
    ), done.err
    assert mlproj("runs", "list", "--json").document["runs"][0]["status"] == "FAILED" and _known("podman") == ["", ""]
    subprocess.run(["mount", "-o", f"remount,size={_ENOUGH}", small_disk], check=True)
    assert mlproj("run", folder, "-q").out == f"{_BIG}\n"


def _known(engine: str) -> list[str]:
    """Containers and images."""
    return [asked(engine, "ps", "--all", "--quiet"), asked(engine, "image", "ls", "--all", "--quiet")]
