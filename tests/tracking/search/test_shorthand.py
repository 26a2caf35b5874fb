"""Dates and statuses in filters, as people write them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from mlproj.foundation.errors import UsageError
from mlproj.tracking.search import shorthand
from mlproj.tracking.search.grammar import parse_filter
from mlproj.tracking.search.vocabulary import EXPERIMENTS, RUNS

DAY = 1795910400000  # 2026-11-29 at midnight, UTC


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine two hours ahead of UTC in winter."""
    monkeypatch.setenv("TZ", "EET-2")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-29", DAY - 2 * 3_600_000),
        ("2026-11-29T00:00Z", DAY),
        ("2026-11-29 12:30", DAY + (10 * 60 + 30) * 60_000),
        ("2026-11-29T12:30:01.5Z", DAY + (12 * 60 + 30) * 60_000 + 1500),
        ("2026-11-29T12:30:00+0530", DAY + 7 * 3_600_000),
        ("2026-11-29T00:00:00-03:00", DAY + 3 * 3_600_000),
        ("2026-13-29", None),
        ("29.11.2026", None),
        ("yesterday", None),
        ("0001-01-01T00:00+23:59", -62135683140000),
    ],
)
def test_a_moment_without_a_zone_is_in_that_of_the_machine(text: str, expected: int | None) -> None:
    assert shorthand.milliseconds(text) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("start_time > '2026-11-29T00:00Z'", f"start_time > {DAY}"),
        (
            'attributes.`end_time` <= "2026-11-29T00:00Z" AND metrics.x > 1',
            f"attributes.`end_time` <= {DAY} AND metrics.x > 1",
        ),
        ("status = 'finished' AND params.status = 'finished'", "status = 'FINISHED' AND params.status = 'finished'"),
        (
            "status IN ('failed', 'KILLED') AND tags.start_time = '2026-11-29'",
            "status IN ('FAILED', 'KILLED') AND tags.start_time = '2026-11-29'",
        ),
        ("status LIKE 'fin%'", "status LIKE 'fin%'"),
        ("start_time > 5", "start_time > 5"),
        ("run_name = 'status'", "run_name = 'status'"),
        ("", ""),
    ],
)
def test_a_filter_is_written_as_every_server_understands_it(written: str, expected: str) -> None:
    assert shorthand.expanded(written, RUNS) == expected
    assert parse_filter(shorthand.expanded(written, RUNS), RUNS) == parse_filter(expected, RUNS)


def test_stores_understand_it_without_that() -> None:
    [at, status, several] = parse_filter(
        "start_time > '2026-11-29T00:00Z' AND status = 'running' AND status IN ('failed')", RUNS
    )
    assert (at.value, status.value, several.value) == (DAY, "RUNNING", ("FAILED",))
    assert parse_filter("creation_time < '2026-11-29T00:00Z'", EXPERIMENTS)[0].value == DAY


@pytest.mark.parametrize(
    ("filter", "told"),
    [
        ("status = 'finish'", "did you mean 'FINISHED'"),
        ("start_time > 'yesterday'", "expected a date or time such as"),
        ("start_time = '2026-11-29'", "= does not go with a date"),
    ],
)
def test_what_would_find_nothing_is_refused_with_a_hint(filter: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as raised:
        shorthand.expanded(filter, RUNS)
    assert filter in raised.value.message
