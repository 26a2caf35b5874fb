"""Which processes belong to a run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from mlproj.backends import process_tree
from mlproj.backends.process_tree import ProcessTree
from tests.backends import witness

pytestmark = pytest.mark.needs("ps")


@pytest.fixture
def family(tmp_path: Path) -> Iterator[tuple[int, list[int]]]:
    """The leader of a session, and its children: in its group, in a session of its own, and an orphan that has only the
    mark."""
    script = (
        "sleep 600 & echo $!; setsid sleep 600 & echo $!; (setsid bash -c 'echo $$; exec sleep 600' &) ;"
        f" {sys.executable} -c 'input()'"
    )
    process = subprocess.Popen(
        ["bash", "-c", script],
        env={**os.environ, "MLPROJ_RUN_ID": tmp_path.name},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    children = [int(process.stdout.readline()) for _ in range(3)]
    yield process.pid, children
    for pid in (process.pid, *children):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.communicate()


def test_group_descendants_and_marked_orphans_belong_to_it(family: tuple[int, list[int]], tmp_path: Path) -> None:
    root, children = family

    found = {member.pid for member in ProcessTree(tmp_path.name, root).members()}

    assert {root, *children} <= found
    assert os.getpid() not in found
    assert os.getppid() not in found


def test_without_proc_the_group_and_descendants_are_found(
    family: tuple[int, list[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_tree, "_PROC", str(tmp_path / "no-proc"))
    root, children = family

    found = {member.pid for member in ProcessTree(tmp_path.name, root).members()}

    assert {root, *children[:2]} <= found
    assert os.getpid() not in found


@pytest.mark.skipif(sys.platform == "darwin", reason="environments of other processes cannot be read there")
def test_an_unknown_first_process_leaves_the_mark_to_go_by(family: tuple[int, list[int]], tmp_path: Path) -> None:
    root, children = family

    assert {root, *children} <= {member.pid for member in ProcessTree(tmp_path.name, 0).members()}


def test_orphans_are_ended(family: tuple[int, list[int]], tmp_path: Path) -> None:
    root, children = family

    process_tree.end_orphans(tmp_path.name, root, 5.0)

    assert not [pid for pid in (root, *children) if witness.is_alive(pid)]


def test_the_watchdogs_program_takes_its_words_from_the_command_line(
    family: tuple[int, list[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, children = family
    monkeypatch.setattr(sys, "argv", ["-c", tmp_path.name, "5.0", str(root)])

    process_tree.main()

    assert not [pid for pid in (root, *children) if witness.is_alive(pid)]


def test_zombies_and_broken_lines_of_ps_are_left_out() -> None:
    text = "  1     0     1 Ss\n 20    1    20 Z+\n 21    20    20 R\n oops\n"

    assert [(member.pid, member.parent, member.group) for member in process_tree.parse_ps(text)] == [
        (1, 0, 1),
        (21, 20, 20),
    ]


def test_another_runs_mark_in_a_longer_name_or_value_is_not_ours(tmp_path: Path) -> None:
    process = subprocess.Popen(
        ["sleep", "600"],
        env={"PATH": os.environ["PATH"], "NOT_MLPROJ_RUN_ID": "me", "X": "MLPROJ_RUN_ID=me", "MLPROJ_RUN_ID": "meet"},
    )
    try:
        assert process.pid not in {member.pid for member in ProcessTree("me", 0).members()}
    finally:
        process.kill()
        process.wait()


def test_processes_from_outside_of_a_container_have_no_parent_and_are_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    outside = process_tree.Member(4711, 0, 4711, 4711, 2**62, None)
    monkeypatch.setattr(process_tree, "_processes", lambda since: [outside])

    assert process_tree.ProcessTree("no such run", 2**22 - 1).members() == []
