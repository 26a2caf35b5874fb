"""Sizes, durations and moments as people write them."""

from __future__ import annotations

from datetime import datetime, timezone


def duration(seconds: float) -> str:
    """*seconds* for people: ``0.3 s``, ``3 min 5 s``, ``2 h 10 min``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def size(number: int) -> str:
    """*number* of bytes for people, in powers of ten: ``512 B``, ``48.2 MB``."""
    if number < 1000:
        return f"{number} B"
    value = float(number)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"


FIRST_MOMENT, LAST_MOMENT = -62_135_510_400_000, 253_402_214_400_000
"""UTC milliseconds between which every time has a date, in every time zone: the years 1 to 9999 without their first and
last day."""


def utc(milliseconds: int | None) -> datetime | None:
    """A UTC time in milliseconds; None for none, and for one that no calendar has (seconds or nanoseconds, taken for
    milliseconds)."""
    if milliseconds is None or not FIRST_MOMENT <= milliseconds <= LAST_MOMENT:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)


def moment(milliseconds: int | None, seconds: bool = False) -> str:
    """A UTC time in milliseconds as the local date and time; empty for None, the number for what is no time of any
    calendar."""
    if milliseconds is None:
        return ""
    found = utc(milliseconds)
    if found is None:
        return f"{milliseconds} ms"
    local = found.astimezone()
    return f"{local:%Y-%m-%d %H:%M:%S}" if seconds else f"{local:%Y-%m-%d %H:%M}"
