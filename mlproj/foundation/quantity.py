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


def moment(milliseconds: int | None, seconds: bool = False) -> str:
    """A UTC time in milliseconds as the local date and time; empty for None."""
    if milliseconds is None:
        return ""
    local = datetime.fromtimestamp(milliseconds / 1000, timezone.utc).astimezone()
    return f"{local:%Y-%m-%d %H:%M:%S}" if seconds else f"{local:%Y-%m-%d %H:%M}"
