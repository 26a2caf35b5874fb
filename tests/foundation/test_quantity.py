from __future__ import annotations

import time

import pytest

from mlproj.foundation import quantity


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (4.25, "4.2 s"),
        (59.96, "1 min"),
        (60, "1 min"),
        (185, "3 min 5 s"),
        (3599.6, "1 h"),
        (7800, "2 h 10 min"),
        (7200, "2 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert quantity.duration(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (48_200_000, "48.2 MB"),
        (999_999, "1.0 MB"),
        (2 * 10**9, "2.0 GB"),
        (3 * 10**12, "3.0 TB"),
    ],
)
def test_sizes(number: int, text: str) -> None:
    assert quantity.size(number) == text


def test_moments_are_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC-2")
    time.tzset()
    try:
        assert quantity.moment(0) == "1970-01-01 02:00"
        assert quantity.moment(61_000, seconds=True) == "1970-01-01 02:01:01"
        assert quantity.moment(None) == ""
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
