"""A project is opened once, in one way: pinned, fetched, its files read, an entry point chosen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlproj.foundation.errors import InvalidProject, UsageError
from mlproj.foundation.progress import Silent
from mlproj.running.opened_project import OpenedProject, open_project
from mlproj.running.plan import RunRequest


class Steps(Silent):
    """Keeps the names of steps."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        self.steps.append(text)
        yield


@contextmanager
def opened(folder: Path, text: str, **options: object) -> Iterator[OpenedProject]:
    (folder / "MLproject").write_text(text)
    with open_project(RunRequest(str(folder), **options), Silent()) as found:  # type: ignore[arg-type]
        yield found


def test_a_folder_is_opened_without_a_word(tmp_path: Path) -> None:
    told = Steps()
    with open_project(RunRequest(str(tmp_path)), told) as found:
        assert found.checkout.project_dir.samefile(tmp_path)
    assert told.steps == []


def test_a_project_that_cannot_be_read_is_opened_all_the_same(tmp_path: Path) -> None:
    with opened(tmp_path, "entry_points: 3\n") as found, pytest.raises(InvalidProject):
        found.load()


@pytest.mark.parametrize(
    ("points", "asked", "expected"),
    [
        ("{a: {command: x}, main: {command: y}}", None, "main"),
        ("{a: {command: x}, b: {command: y}}", None, "a"),
        ("{}", None, "main"),
        ("{a: {command: x}, main: {command: y}}", "a", "a"),
    ],
)
def test_some_entry_point_is_found_to_decide_an_environment_by(
    tmp_path: Path, points: str, asked: str | None, expected: str
) -> None:
    with opened(tmp_path, f"entry_points: {points}\n", entry_point=asked) as found:
        assert found.any_entry_point(found.load()).name == expected


def test_what_is_run_is_never_guessed(tmp_path: Path) -> None:
    with (
        opened(tmp_path, "entry_points: {a: {command: x}, b: {command: y}}\n") as found,
        pytest.raises((InvalidProject, UsageError)),
    ):
        found.entry_point(found.load())


def test_relative_paths_count_from_where_the_user_stands(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("1")
    text = "entry_points: {main: {parameters: {file: path}, command: 'cat {file}'}}\n"
    with opened(tmp_path, text, cwd=tmp_path / "data") as found:
        command = found.command(found.entry_point(found.load()), {"file": "a.csv"})

    assert [given.path for given in command.inputs] == [tmp_path / "data" / "a.csv"]
