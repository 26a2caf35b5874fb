from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from mlproj.environments.base import Declaration, Request
from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python import date_policy
from mlproj.foundation.errors import UsageError
from tests.environments.conftest import utc

FILE = Path("/project/requirements.txt")
COMMIT = utc("2024-06-01")
FREE = Requirements(packages=("apple>=1",))
PINNED = Requirements(packages=("apple==1.0",))


def _decide(
    requirements: Requirements = FREE,
    as_of: str = "auto",
    pinned: datetime | None = None,
    changed: datetime | None = None,
    commit: datetime | None = COMMIT,
    travel: bool = True,
) -> date_policy.AsOf:
    request = Request(
        FILE.parent,
        FILE.parent,
        as_of=as_of,
        time_travel=travel,
        commit_date=commit,
        last_changed=lambda file: changed if file == FILE else None,
    )
    return date_policy.decide(request, Declaration("requirements", FILE), requirements, lambda: pinned)


def test_a_git_source_is_as_of_the_last_change_of_its_declaration_else_of_the_commit() -> None:
    assert _decide(changed=utc("2022-02-02")).moment == utc("2022-02-02")
    assert _decide().moment == COMMIT
    assert _decide().reason == "date of the commit"


def test_a_local_folder_and_a_source_without_history_are_as_of_today() -> None:
    assert _decide(travel=False).moment is None
    assert _decide(commit=None).moment is None


def test_pins_that_are_older_than_the_commit_win() -> None:
    assert _decide(PINNED, pinned=utc("2022-01-03")).moment == utc("2022-01-31")
    assert _decide(PINNED, pinned=utc("2024-05-31")).moment == COMMIT


def test_an_index_that_does_not_tell_upload_times_is_noted() -> None:
    decided = _decide(PINNED)
    assert decided.moment == COMMIT
    assert "does not tell" in decided.notes[0]


def test_packages_that_we_implied_need_no_pin() -> None:
    requirements = Requirements(packages=("apple==1.0", "seed"), implied=("seed",))
    assert _decide(requirements, pinned=utc("2022-01-03")).moment == utc("2022-01-31")


def test_a_lock_needs_no_date() -> None:
    assert _decide(Requirements(lock_file=Path("/project/uv.lock")), as_of="2020-01-01").moment is None


def test_the_user_may_choose() -> None:
    assert _decide(as_of="today").moment is None
    assert _decide(as_of="commit", changed=utc("2022-02-02"), travel=False).moment == COMMIT
    assert _decide(PINNED, as_of="pins", pinned=utc("2022-01-03"), travel=False).moment == utc("2022-01-31")
    assert _decide(as_of="2021-03-04").moment == utc("2021-03-05")
    assert _decide(as_of="2021-03-04T12:00:00+02:00").moment == datetime.fromisoformat("2021-03-04T10:00:00+00:00")
    assert _decide(as_of="2021-03-04T12:00:00Z").moment == datetime.fromisoformat("2021-03-04T12:00:00+00:00")


@pytest.mark.parametrize(
    ("as_of", "says"),
    [
        ("yesterday", "'yesterday' is no date"),
        ("2021-13-01", "is no date"),
        ("", "is no date"),
        ("pins", "not every package is pinned"),
    ],
)
def test_a_wrong_date_is_a_usage_error(as_of: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        _decide(as_of=as_of)


def test_a_date_that_the_project_cannot_have_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no Git history"):
        _decide(as_of="commit", commit=None)
    with pytest.raises(UsageError, match="does not tell when"):
        _decide(PINNED, as_of="pins")
