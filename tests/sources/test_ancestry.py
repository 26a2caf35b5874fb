from __future__ import annotations

from pathlib import Path

import pytest

from mlproj import sources
from mlproj.foundation.errors import SourceError, UsageError
from mlproj.sources.ancestry import Ancestry, split
from mlproj.sources.git import GitSource
from tests.sources.repository import LATER, bare, commit, git


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """``a``, then ``b`` and, on a branch of it, ``c``; ``d`` merges them; ``x`` was there before all."""
    work = tmp_path / "work"
    for name in ("x", "a", "b"):
        commit(work, {name: name}, LATER)
        git(work, "tag", name)
    git(work, "checkout", "--quiet", "-b", "side", "a")
    commit(work, {"c": "c"})
    git(
        work,
        "commit",
        "--quiet",
        "--amend",
        "--author",
        "Änn\x1b[31m <a@b>",
        "--message",
        "one\x85two\u2028three\n\nfour",
    )
    git(work, "tag", "c")
    git(work, "checkout", "--quiet", "main")
    git(work, "merge", "--quiet", "--no-ff", "--message", "both", "side")
    git(work, "tag", "d")
    return bare(work, tmp_path / "origin.git")


def ancestry(origin: Path) -> Ancestry:
    source = sources.open(f"file://{origin}")
    assert isinstance(source, GitSource)
    return source.ancestry(offline=False)


def named(origin: Path, older: str, newer: str, *, first_parent: bool = False) -> list[str]:
    names = {git(origin, "rev-parse", name): name for name in "xabcd"}
    inverse = {name: commit for commit, name in names.items()}
    return [
        names[step.name] for step in ancestry(origin).between(inverse[older], inverse[newer], first_parent=first_parent)
    ]


def test_parents_come_before_children_and_both_ends_are_there(origin: Path) -> None:
    found = named(origin, "a", "d")

    assert (found[0], sorted(found[1:3]), found[3]) == ("a", ["b", "c"], "d")


def test_only_what_came_after_the_older_one_counts(origin: Path) -> None:
    assert named(origin, "b", "d") == ["b", "d"]


def test_first_parents_leave_branches_out(origin: Path) -> None:
    assert named(origin, "a", "d", first_parent=True) == ["a", "b", "d"]


def test_what_people_wrote_is_as_they_wrote_it(origin: Path) -> None:
    side = git(origin, "rev-parse", "c")

    step = ancestry(origin).between(git(origin, "rev-parse", "a"), side, first_parent=False)[-1]

    assert (step.name, step.author, step.subject) == (side, "Änn\x1b[31m", "one\x85two\u2028three")


def test_replaced_commits_are_what_they_were(origin: Path) -> None:
    git(origin, "replace", "--graft", "d", "b")

    assert "c" in named(origin, "a", "d")


def test_steps_back_lead_to_a_commit_or_are_refused(origin: Path) -> None:
    history, merge = ancestry(origin), git(origin, "rev-parse", "d")

    assert history.back(merge, "^2") == git(origin, "rev-parse", "c")
    assert history.back(merge, "~2") == git(origin, "rev-parse", "a")
    with pytest.raises(SourceError, match="no commit ~9 before"):
        history.back(merge, "~9")


@pytest.mark.parametrize(
    ("version", "parts"), [("main", ("main", "")), ("v1.0~3", ("v1.0", "~3")), ("a^2~1^", ("a", "^2~1^"))]
)
def test_a_version_is_taken_apart(version: str, parts: tuple[str, str]) -> None:
    assert split(version) == parts


@pytest.mark.parametrize("version", ["~3", "main^{tree}", "main~x", "main~1 --all", "a~1:b"])
def test_other_ways_of_git_to_name_things_are_refused(version: str) -> None:
    with pytest.raises(UsageError, match="no branch, tag or commit"):
        split(version)
