"""Repositories over ssh, from a real sshd on a loopback port."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlproj import sources
from mlproj.foundation.errors import SourceError
from tests.sources.repository import bare, commit, git

pytestmark = pytest.mark.needs("sshd")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of an sshd that lets the key ``key`` in; Git is told to use that key."""
    folder = tmp_path / "ssh"
    folder.mkdir(mode=0o700)
    for name in ("host", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    shutil.copy(folder / "key.pub", folder / "authorized")
    number = free_port()
    (folder / "config").write_text(
        f"Port {number}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {folder}/authorized\nPasswordAuthentication no\nPermitRootLogin yes\n"
    )
    os.makedirs("/run/sshd", exist_ok=True) if os.access("/run", os.W_OK) else None
    sshd = shutil.which("sshd") or "/usr/sbin/sshd"
    process = subprocess.Popen([sshd, "-D", "-e", "-f", str(folder / "config")], stderr=subprocess.PIPE)
    assert process.stderr is not None
    for line in process.stderr:
        if b"listening" in line:
            break
    (folder / "known").write_text(f"[127.0.0.1]:{number} {(folder / 'host.pub').read_text()}")
    use_key(monkeypatch, folder, "key")
    try:
        yield number
    finally:
        process.terminate()
        process.wait()
        process.stderr.close()


def use_key(monkeypatch: pytest.MonkeyPatch, folder: Path, key: str, known: str = "known") -> None:
    options = (
        f"-F none -i {folder / key} -o IdentitiesOnly=yes -o UserKnownHostsFile={folder / known} -o"
        " GlobalKnownHostsFile=/dev/null"
    )
    monkeypatch.setenv("GIT_SSH_COMMAND", f"ssh {options}")


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    commit(tmp_path / "work", {"MLproject": "name: x"})
    return bare(tmp_path / "work", tmp_path / "x.git")


def test_a_repository_comes_over_ssh(port: int, origin: Path, tmp_path: Path) -> None:
    for uri in (
        f"ssh://{getpass.getuser()}@127.0.0.1:{port}{origin}",
        f"git+ssh://{getpass.getuser()}@127.0.0.1:{port}{origin}",
    ):
        source = sources.open(uri)
        revision = source.pin(None, offline=False)
        checkout = source.fetch(revision, isolated=False)

        assert revision.commit == git(tmp_path / "work", "rev-parse", "HEAD")
        assert revision.uri == uri.removeprefix("git+")
        assert checkout.last_changed(checkout.root / "MLproject") == revision.commit_date


def test_host_and_path_mean_ssh(port: int, origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "GIT_SSH_COMMAND", f"{os.environ['GIT_SSH_COMMAND']} -p {port} -o HostKeyAlias=[127.0.0.1]:{port}"
    )

    revision = sources.open(f"{getpass.getuser()}@127.0.0.1:{origin}").pin(None, offline=False)

    assert revision.commit == git(tmp_path / "work", "rev-parse", "HEAD")


def test_an_unknown_key_is_refused_without_a_prompt(
    port: int, origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_key(monkeypatch, tmp_path / "ssh", "host")

    with pytest.raises(SourceError, match="access was refused") as caught:
        sources.open(f"ssh://{getpass.getuser()}@127.0.0.1:{port}{origin}").pin(None, offline=False)

    assert caught.value.hint is not None
    assert "known_hosts" in caught.value.hint


def test_an_unknown_host_is_refused_without_a_prompt(
    port: int, origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_key(monkeypatch, tmp_path / "ssh", "key", known="nobody")

    with pytest.raises(SourceError, match="access was refused"):
        sources.open(f"ssh://{getpass.getuser()}@127.0.0.1:{port}{origin}").pin(None, offline=False)


def test_a_missing_repository_and_a_silent_port_are_told_apart(port: int, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such repository"):
        sources.open(f"ssh://{getpass.getuser()}@127.0.0.1:{port}{tmp_path}/no.git").pin(None, offline=False)
    with pytest.raises(SourceError, match="out of reach"):
        sources.open(f"ssh://git@127.0.0.1:{free_port()}/x.git").pin(None, offline=False)
