"""Repositories over http, with and without a login."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlproj import sources
from mlproj.foundation import paths
from mlproj.foundation.errors import SourceError
from mlproj.sources.base import Checkout, Revision
from tests.sources.git_server import GitServer, serving
from tests.sources.repository import LATER, LONG_AGO, bare, commit, git

LOGIN = "someone:secret word@1"
IN_URL = "someone:secret%20word%401"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    commit(folder, {"MLproject": "name: x"}, LONG_AGO)
    git(folder, "tag", "v1")
    commit(folder, {"train.py": "2"}, LATER)
    (tmp_path / "served").mkdir()
    bare(folder, tmp_path / "served" / "x.git")
    return folder


@pytest.fixture
def server(work: Path, tmp_path: Path) -> Iterator[GitServer]:
    made = GitServer(tmp_path / "served")
    with serving(made):
        yield made


@pytest.fixture
def private(work: Path, tmp_path: Path) -> Iterator[GitServer]:
    made = GitServer(tmp_path / "served", LOGIN)
    with serving(made):
        yield made


def fetched(uri: str, version: str | None = None, *, offline: bool = False) -> tuple[Revision, Checkout]:
    source = sources.open(uri)
    revision = source.pin(version, offline=offline)
    return revision, source.fetch(revision, isolated=False)


def test_a_repository_comes_over_http(server: GitServer, work: Path) -> None:
    for uri in (f"{server.url}/x.git", f"git+{server.url}/x.git", f"{server.url}/x"):
        revision, checkout = fetched(uri)

        assert (revision.commit, revision.branch) == (git(work, "rev-parse", "main"), "main")
        assert revision.uri == uri.removeprefix("git+")
        assert checkout.last_changed(checkout.root / "MLproject") == LONG_AGO


@pytest.mark.parametrize("digits", [40, 8])
def test_an_old_commit_comes_over_http(server: GitServer, work: Path, digits: int) -> None:
    old = git(work, "rev-parse", "v1")

    revision, checkout = fetched(f"{server.url}/x.git", old[:digits])

    assert revision.commit == old
    assert not (checkout.root / "train.py").exists()


def test_a_server_of_the_old_protocol_that_hands_out_branches_only_gives_old_commits_too(
    server: GitServer, work: Path
) -> None:
    git(work, "config", "--global", "protocol.version", "0")
    old = git(work, "rev-parse", "v1")
    git(server.root / "x.git", "tag", "-d", "v1")

    assert fetched(f"{server.url}/x.git", old)[0].commit == old
    assert fetched(f"{server.url}/x.git")[0].branch == "main"
    new = commit(work, {"train.py": "3"})
    git(work, "push", "--quiet", str(server.root / "x.git"), "main")
    assert fetched(f"{server.url}/x.git")[0].commit == new


def test_a_server_of_plain_files_works(work: Path, tmp_path: Path) -> None:
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None: ...

    git(tmp_path / "served" / "x.git", "update-server-info")
    plain = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "served")))
    with serving(plain):
        url = f"http://127.0.0.1:{plain.server_address[1]}/x.git"

        assert fetched(url)[0].commit == git(work, "rev-parse", "main")
        assert fetched(url, "v1")[0].tag == "v1"


def test_a_commit_that_is_here_is_not_asked_for(server: GitServer, work: Path) -> None:
    revision, checkout = fetched(f"{server.url}/x.git")
    checkout.last_changed(checkout.root / "MLproject")
    server.requests.clear()

    _, checkout = fetched(f"{server.url}/x.git", revision.commit)
    checkout.last_changed(checkout.root / "MLproject")
    fetched(f"{server.url}/x.git", offline=True)

    assert server.requests == []


def test_a_login_in_the_url_is_used_and_written_nowhere(private: GitServer, work: Path) -> None:
    uri = f"{private.url_for(IN_URL)}/x.git"
    revision, checkout = fetched(uri)
    short, _ = fetched(uri, git(work, "rev-parse", "v1")[:8])

    assert revision.commit == git(work, "rev-parse", "main")
    assert checkout.last_changed(checkout.root / "MLproject") == LONG_AGO
    assert revision.uri == short.uri == f"{private.url}/x.git"
    for file in paths.cache().rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert b"secret" not in content, file
            assert b"someone" not in content, file
        assert "secret" not in file.name


def test_a_password_is_on_no_command_line(private: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = tmp_path / "record"
    (tmp_path / "bin").mkdir()
    real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
    (tmp_path / "bin" / "git").write_text(f'#!/bin/sh\necho "$@" >> {record}\nexec {real} "$@"\n')
    (tmp_path / "bin" / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")

    fetched(f"{private.url_for(IN_URL)}/x.git")

    assert "clone" in record.read_text()
    assert "secret" not in record.read_text()


def test_who_logs_in_is_no_part_of_a_mirror_so_that_the_recorded_url_finds_it(private: GitServer) -> None:
    revision, _ = fetched(f"{private.url_for(IN_URL)}/x.git")
    private.requests.clear()

    for version in (revision.commit, "main", None):
        assert fetched(revision.uri, version, offline=True)[0].commit == revision.commit
    assert fetched(revision.uri, revision.commit)[0].commit == revision.commit
    assert private.requests == []


def test_the_users_credential_helper_logs_in(private: GitServer, work: Path) -> None:
    git(
        work,
        "config",
        "--global",
        "credential.helper",
        "!f() { echo username=someone; echo 'password=secret word@1'; }; f",
    )

    assert fetched(f"{private.url}/x.git")[0].branch == "main"


def test_a_user_name_alone_leaves_the_password_to_the_helper(private: GitServer, work: Path) -> None:
    git(
        work,
        "config",
        "--global",
        "credential.helper",
        "!f() { grep -q username=someone && echo 'password=secret word@1'; }; f",
    )

    assert fetched(f"{private.url_for('someone')}/x.git")[0].uri == f"{private.url}/x.git"


@pytest.mark.parametrize("login", ["someone:wrong-secret", "someone", None])
def test_a_refused_login_says_so_at_once_and_shows_no_secret(private: GitServer, login: str | None) -> None:
    url = private.url_for(login) if login else private.url

    for version in (None, "main", "0" * 40, "1234567"):
        with pytest.raises(SourceError, match="access was refused") as caught:
            fetched(f"{url}/x.git", version)

        assert caught.value.hint is not None
        assert "credential helper" in caught.value.hint
        assert "wrong-secret" not in str(caught.value)
        assert "someone" not in str(caught.value)


def test_a_missing_repository_is_told_from_an_unreachable_host(server: GitServer) -> None:
    with pytest.raises(SourceError, match="there is no such repository"):
        fetched(f"{server.url}/nowhere.git")
    with pytest.raises(SourceError, match="the host is out of reach"):
        fetched("http://127.0.0.1:1/x.git")
    with pytest.raises(SourceError, match="the host is out of reach"):
        fetched("http://nowhere.invalid/x.git")


def test_a_remote_that_went_away_does_not_cost_the_mirror(server: GitServer) -> None:
    revision, _ = fetched(f"{server.url}/x.git")
    (server.root / "x.git").rename(server.root / "y.git")

    with pytest.raises(SourceError, match="no such repository"):
        fetched(f"{server.url}/x.git")
    assert fetched(f"{server.url}/x.git", revision.commit)[0].commit == revision.commit


def test_a_person_at_a_terminal_is_asked_for_the_password(private: GitServer) -> None:
    code = "import sys; from mlproj import sources; print(sources.open(sys.argv[1]).pin(None, offline=False).branch)"
    child, terminal = pty.fork()
    if child == 0:
        env = {
            name: value
            for name, value in os.environ.items()
            if name not in ("GIT_TERMINAL_PROMPT", "GIT_ASKPASS", "SSH_ASKPASS")
        }
        os.execve(sys.executable, [sys.executable, "-c", code, f"{private.url_for('someone')}/x.git"], env)
    said = b""
    while b"Password for" not in said:
        said += os.read(terminal, 1000)
    os.write(terminal, b"secret word@1\n")
    while portion := read_to_end(terminal):
        said += portion
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, said
    os.close(terminal)
    assert b"main" in said
    assert b"secret" not in said


def read_to_end(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1000)
    except OSError:  # the other side is closed
        return b""
