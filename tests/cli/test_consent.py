"""The first run of a project from a URL: what is said, who is asked, what is remembered."""

from __future__ import annotations

import functools
import http.server
import json
import os
import pty
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlproj.foundation import paths
from tests.program import mlproj
from tests.sources.git_server import GitServer
from tests.sources.repository import bare, commit

MLPROJECT = "entry_points: {main: {parameters: {api_key: {type: string, default: ''}}, command: 'echo done'}}\n"


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A repository that belongs to somebody."""
    commit(tmp_path / "work", {"MLproject": MLPROJECT})
    return bare(tmp_path / "work", tmp_path / "shared.git")


@dataclass(frozen=True)
class Session:
    code: int
    seen: str


def at_terminal(*arguments: str, answer: bytes | None, env: dict[str, str] | None = None) -> Session:
    """``mlproj ARGUMENTS`` at a terminal; *answer* is typed when the question comes; SIGINT is sent."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "dumb", **(env or {})}
    process = subprocess.Popen(
        [sys.executable, "-m", "mlproj", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environ,
        start_new_session=True,
    )
    os.close(theirs)
    seen, is_answered = b"", answer is None
    while True:
        try:
            block = os.read(ours, 65536)
        except OSError:  # the last writer has left
            break
        seen += block
        if not is_answered and b"run it? [y/N]" in seen:
            is_answered = True
            if answer == b"SIGINT":
                process.send_signal(signal.SIGINT)
            else:
                os.write(ours, answer or b"")
    os.close(ours)
    return Session(process.wait(), seen.decode().replace("\r\n", "\n"))


def remembered() -> dict[str, dict[str, str]]:
    file = paths.home() / "trusted.json"
    found: dict[str, dict[str, str]] = json.loads(file.read_text())["repositories"] if file.exists() else {}
    return found


def test_at_a_terminal_it_is_said_and_asked_once(shared: Path) -> None:
    first = at_terminal("run", f"file://{shared}", answer=b"y\n")
    again = at_terminal("run", f"file://{shared}", answer=None)

    assert first.code == again.code == 0
    question = first.seen.partition("run it?")[0]
    assert f"first run of file://{shared}" in question
    assert "(main)" in question and "environment:" in question and "echo done" in question
    assert "done\n" in first.seen.partition("run it?")[2]
    assert "run it?" not in again.seen
    assert remembered()[f"file://{shared}"]["reason"] == "said yes"


@pytest.mark.parametrize("answer", [b"n\n", b"\n", b"maybe\n", b"\x04", b"SIGINT"], ids=repr)
def test_anything_but_yes_builds_runs_and_remembers_nothing(shared: Path, answer: bytes) -> None:
    refused = at_terminal("run", f"file://{shared}", answer=answer)

    assert refused.code == 130, refused.seen
    assert "done\n" not in refused.seen.partition("run it?")[2]
    assert remembered() == {}
    assert not paths.database().exists()
    assert not paths.environments().exists()
    assert list(paths.checkouts().iterdir()) == []


def test_what_a_project_says_cannot_drive_the_terminal_or_pass_for_the_question(tmp_path: Path) -> None:
    command = "echo \x1b[2J\x1b[1;1Hharmless\r; \u202e evil"
    commit(tmp_path / "work", {"MLproject": json.dumps({"entry_points": {"main": {"command": command}}})})

    asked = at_terminal("run", f"file://{tmp_path}/work", answer=b"n\n")

    assert "\x1b[2J" not in asked.seen
    assert "\u202e" not in asked.seen
    assert "\\x1b[2J\\x1b[1;1Hharmless\\r" in asked.seen


def test_secrets_are_not_in_the_question(tmp_path: Path) -> None:
    commit(tmp_path / "work", {"MLproject": MLPROJECT.replace("echo done", "echo {api_key}")})

    asked = at_terminal("run", f"file://{tmp_path}/work", "-P", "api_key=hunter2secret", answer=b"n\n")

    assert "hunter2secret" not in asked.seen
    assert "****" in asked.seen


def test_quiet_does_not_hide_the_question(shared: Path) -> None:
    asked = at_terminal("run", "-q", f"file://{shared}", answer=b"no\n")

    assert "echo done" in asked.seen
    assert asked.code == 130


def test_what_was_typed_before_is_no_answer(tmp_path: Path, shared: Path) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, b"y\ny\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "mlproj", "run", f"file://{shared}"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    seen = b""
    while b"run it?" not in seen:
        seen += os.read(ours, 65536)
    os.write(ours, b"n\n")
    assert process.wait() == 130
    os.close(ours)


def test_no_code_of_the_project_runs_before_the_answer(tmp_path: Path) -> None:
    """Finding out what a project with a setup.py needs is to execute that file."""
    marker = tmp_path / "executed"
    commit(
        tmp_path / "work",
        {
            "MLproject": MLPROJECT,
            "setup.py": (
                f"from setuptools import setup\nopen({str(marker)!r}, 'w')\nsetup(name='x', install_requires=['six'])\n"
            ),
        },
    )

    refused = at_terminal("run", f"file://{tmp_path}/work", answer=b"n\n")

    assert refused.code == 130
    assert "setup.py" in refused.seen
    assert not marker.exists()


def test_without_a_terminal_a_line_says_it_once(shared: Path) -> None:
    first = mlproj("run", f"file://{shared}")
    again = mlproj("run", f"file://{shared}")

    assert (first.code, first.out) == (again.code, again.out) == (0, "done\n")
    assert f"first run of file://{shared} here: it executes echo done\n" in first.err
    assert "first run" not in again.err


def test_json_is_never_asked(shared: Path) -> None:
    assert '"status": "FINISHED"' in at_terminal("run", "--json", f"file://{shared}", answer=None).seen


def test_a_run_inside_a_run_is_never_asked(shared: Path) -> None:
    inside = at_terminal("run", f"file://{shared}", answer=None, env={"MLPROJ_RUN_ID": "0" * 32})

    assert "run it?" not in inside.seen
    assert "first run of" in inside.seen


def test_trust_on_the_command_line_is_remembered(shared: Path) -> None:
    trusted = at_terminal("run", "--trust", f"file://{shared}", answer=None)

    assert trusted.code == 0
    assert "first run" not in trusted.seen
    assert remembered()[f"file://{shared}"]["reason"] == "--trust"


def test_trusting_all_asks_nothing_and_remembers_nothing(shared: Path) -> None:
    trusted = at_terminal("run", f"file://{shared}", answer=None, env={"MLPROJ_TRUST": "all"})

    assert trusted.code == 0
    assert "first run" not in trusted.seen
    assert remembered() == {}


def test_another_word_in_the_variable_is_an_error(shared: Path) -> None:
    result = mlproj("run", f"file://{shared}", env={"MLPROJ_TRUST": "some"})

    assert result.code == 2
    assert "MLPROJ_TRUST='some'" in result.err


def test_a_dry_run_asks_and_remembers_nothing(shared: Path) -> None:
    dry = at_terminal("run", "--dry-run", f"file://{shared}", answer=None)

    assert dry.code == 0
    assert "was never run here" in dry.seen
    assert not paths.home().exists()


@pytest.mark.parametrize("place", ["work", "shared.git", "work@main"])
def test_what_is_named_by_a_path_is_the_users_own(tmp_path: Path, shared: Path, place: str) -> None:
    folder, _, version = place.partition("@")

    result = at_terminal("run", str(tmp_path / folder), *(["-v", version] if version else []), answer=None)

    assert result.code == 0
    assert "first run" not in result.seen


def test_a_broken_memory_is_told_and_asks_again(shared: Path) -> None:
    paths.write_atomic(paths.home() / "trusted.json", "{")

    asked = at_terminal("run", f"file://{shared}", answer=b"y\n")

    assert "no repository is trusted" in asked.seen
    assert asked.code == 0
    assert list(remembered()) == [f"file://{shared}"]


def test_a_repository_over_http_is_trusted_with_and_without_a_login(shared: Path) -> None:
    with GitServer(shared.parent) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        first = at_terminal("run", f"{server.url}/shared.git", answer=b"yes\n")
        again = at_terminal("run", f"{server.url_for('ann:secret')}/shared.git/#.", "-v", "main", answer=None)
        server.shutdown()

    assert first.code == again.code == 0, again.seen
    assert list(remembered()) == [f"{server.url}/shared"]
    assert "run it?" not in again.seen


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "web"
    folder.mkdir()
    commit(tmp_path / "work", {"MLproject": MLPROJECT})
    with tarfile.open(folder / "project.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "work" / "MLproject", "project/MLproject")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_an_archive_from_a_url_is_asked_for_and_one_on_the_disk_is_not(web: str, tmp_path: Path) -> None:
    asked = at_terminal("run", f"{web}/project.tar.gz", answer=b"n\n")
    own = at_terminal("run", str(tmp_path / "web" / "project.tar.gz"), answer=None)

    assert (asked.code, own.code) == (130, 0)
    assert f"{web}/project.tar.gz" in asked.seen
