"""podman as an ordinary user has it: without root, in user namespaces and a network of slirp4netns."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.containers import base_image
from tests.containers.base_image import TAG
from tests.containers.test_run import LOGS
from tests.program import Result, project

pytestmark = pytest.mark.needs("podman", "rootless", "root")

_NAME = "mlproj-test"
# As an engine without systemd needs it, and the limits that a user may have.
_SETTINGS = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
_TUNNEL = Path("/dev/net/tun")


@dataclass(frozen=True)
class HttpClient:
    """A user of this machine who is not root, with a home of their own."""

    uid: int
    home: Path

    def ask(self, *command: str | Path, data: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        """What comes of *command* when this user runs it. Of root's rights it has that of reading, as the tests' own
        Python may be in root's home; processes of containers have it not."""
        rights = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "MLPROJ_", "DBUS_"))},
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.home / "runtime"),
            "MLPROJ_CONTAINER_ENGINE": "podman",
            "CONTAINERS_CONF": str(self.home / "containers.conf"),
            "USER": _NAME,
            "GIT_CONFIG_GLOBAL": "/dev/null",
        }
        whole = ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups", *rights, *map(str, command)]
        return subprocess.run(whole, input=data, cwd=self.home, env=environ, capture_output=True, check=False)

    def mlproj(self, *arguments: str | Path) -> Result:
        """``mlproj ARGUMENTS`` run to its end."""
        done = self.ask(sys.executable, "-m", "mlproj", *arguments)
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def project(self, text: str, **files: str) -> Path:
        """A project of this user's."""
        folder = project(self.home / "project", text, **files)
        for path in (folder, *folder.iterdir()):
            os.chown(path, self.uid, self.uid)
        return folder


@pytest.fixture(scope="module")
def caller() -> Iterator[HttpClient]:
    """A new user of podman, who has the base image."""
    subprocess.run(["userdel", _NAME], check=False, capture_output=True)  # of tests that were killed
    home = Path(tempfile.mkdtemp(prefix="mlproj-caller-"))
    subprocess.run(["useradd", "--no-create-home", "--home-dir", home, "--user-group", _NAME], check=True)
    mode = _TUNNEL.stat().st_mode
    try:
        _TUNNEL.chmod(0o666)  # as udev makes it, where there is one
        user = pwd.getpwnam(_NAME)
        (home / "containers.conf").write_text(_SETTINGS)
        (home / "runtime").mkdir(mode=0o700)
        for path in (home, *home.iterdir()):
            os.chown(path, user.pw_uid, user.pw_gid)
        caller = HttpClient(user.pw_uid, home)
        made = caller.ask("podman", "import", *base_image.SETTINGS, "-", TAG, data=base_image.archive())
        assert made.returncode == 0, made.stderr
        yield caller
    finally:
        _TUNNEL.chmod(mode)
        _end(home)
        subprocess.run(["userdel", _NAME], check=True, capture_output=True)
        shutil.rmtree(home)


def _end(home: Path) -> None:
    """End the process by which a user's podman keeps its namespaces."""
    for file in home.glob("runtime/libpod/tmp/pause.pid"):
        with suppress(ProcessLookupError, ValueError):
            os.kill(int(file.read_text()), signal.SIGKILL)


def test_a_program_is_recorded_and_its_files_are_the_callers(caller: HttpClient) -> None:
    text = f"docker_env: {{image: '{TAG}', volumes: ['./new:/new']}}\n"
    text += "entry_points: {main: {command: 'python logs.py; id -u > /new/who'}}\n"
    folder = caller.project(text, logs__py=LOGS)
    done = caller.mlproj("run", folder, "--json")
    assert done.code == 0, done.err
    run = done.document["run"]
    assert run["metrics"]["loss"] == 0.25 and run["metrics"]["written"] == 2
    assert any("without root" in note for note in run["environment"]["notes"])
    artifacts = Path(run["artifact_uri"].removeprefix("file://"))
    assert (artifacts / "a b.txt").read_text() == "sent" and (artifacts / "left.txt").read_text() == "left"
    for path in (folder / "made.txt", folder / "new", folder / "new" / "who", artifacts / "left.txt"):
        assert path.stat().st_uid == caller.uid, path
    assert (folder / "new" / "who").read_text() == "0\n", "root there is the caller here"
    assert (
        caller.ask("podman", "ps", "--all", "--quiet").stdout
        == caller.ask("podman", "volume", "ls", "--quiet").stdout
        == b""
    )


def test_a_sandbox_has_its_run_and_no_network(caller: HttpClient) -> None:
    text = f"docker_env: {{image: '{TAG}'}}\nentry_points: {{main: {{command: 'python logs.py; ls /sys/class/net'}}}}\n"
    done = caller.mlproj("run", caller.project(text, logs__py=LOGS), "--sandbox", "--json")
    assert done.code == 0, done.err
    run = done.document["run"]
    assert run["metrics"]["loss"] == 0.25
    assert caller.mlproj("runs", "logs", run["run_id"]).out.endswith("\nlo\n")
    record = json.loads((caller.home / ".local/share/mlproj/runs" / run["run_id"] / "plan.json").read_text())
    assert record["plan"]["sandbox"]["by"] == "podman" and not any(
        "root" in line for line in record["plan"]["sandbox"]["not_confined"]
    )
