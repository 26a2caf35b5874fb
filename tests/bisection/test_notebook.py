from __future__ import annotations

import json
import math
import threading

import pytest

from mlproj.bisection.notebook import Entry, Notebook
from mlproj.foundation.errors import ServiceError


@pytest.fixture
def notebook() -> Notebook:
    return Notebook("0123456789abcdef", {"metric": "acc"})


def test_what_is_kept_is_read_again(notebook: Notebook) -> None:
    entries = {"a": Entry((0.5, -math.inf), ("1", "2"), 1), "b": Entry(skipped="it fails", note="odd")}
    for commit, entry in entries.items():
        notebook.keep(commit, entry)

    assert notebook.read() == entries
    assert json.loads(notebook.file.read_text())["metric"] == "acc"


def test_two_searches_at_once_lose_nothing(notebook: Notebook) -> None:
    def keep(name: str) -> None:
        for number in range(20):
            Notebook("0123456789abcdef", {}).keep(f"{name}{number}", Entry((1.0,)))

    writers = [threading.Thread(target=keep, args=(name,)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert len(notebook.read()) == 40


def test_commits_that_were_skipped_are_forgotten_alone(notebook: Notebook) -> None:
    notebook.keep("a", Entry((1.0,)))
    notebook.keep("b", Entry(skipped="it fails"))

    notebook.try_skipped_again()

    assert notebook.read() == {"a": Entry((1.0,)), "b": Entry()}
    notebook.forget()
    assert notebook.read() == {}


NO_NOTEBOOKS = [
    "",
    "[]",
    '{"schema": 2, "commits": {}}',
    '{"schema": 1}',
    '{"schema": 1, "commits": {"a": {"values": [null]}}}',
]


@pytest.mark.parametrize("text", NO_NOTEBOOKS)
def test_what_is_no_notebook_is_told(notebook: Notebook, text: str) -> None:
    notebook.file.parent.mkdir(parents=True)
    notebook.file.write_text(text)

    with pytest.raises(ServiceError, match=r"cannot be read from .*0123456789abcdef\.json"):
        notebook.read()
