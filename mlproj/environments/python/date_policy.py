"""As of when packages are resolved: ``--as-of auto|commit|pins|today|DATE``, and why that moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

from mlproj.environments.base import Declaration, Request
from mlproj.environments.declarations.requirements import Requirements
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import UsageError

AFTER_PINS = timedelta(weeks=4)
"""How long after the newest pinned release its author is taken to have installed it, with the dependencies of that
time."""


@dataclass(frozen=True)
class AsOf:
    """The moment (UTC) that packages are resolved at, None for no bound; ``reason`` and ``notes`` are for people."""

    moment: datetime | None
    reason: str
    notes: tuple[str, ...] = ()


PinDate = Callable[[], "datetime | None"]
"""When the newest of the pinned releases was uploaded, None when the index does not tell. Costs a query."""


def decide(request: Request, declaration: Declaration, requirements: Requirements, pin_date: PinDate) -> AsOf:
    """The moment for *request*. Raises :class:`UsageError` for a date that is none or that the project cannot have."""
    setting = request.as_of
    if request.locked is not None:
        return AsOf(request.locked.as_of, f"as {request.locked.of}")
    if requirements.lock_file is not None:
        return AsOf(None, f"{requirements.lock_file.name} names exact versions")
    if setting == "auto":
        return _automatic(request, declaration, requirements, pin_date)
    if setting == "today":
        return AsOf(None, "--as-of today")
    if setting == "commit":
        return _commit(request, requirements)
    if setting == "pins":
        return _pins(requirements, pin_date)
    return AsOf(parse(setting), f"--as-of {setting}")


def parse(text: str) -> datetime:
    """An ISO date (its whole day, UTC) or moment (UTC unless it says otherwise). Raises :class:`UsageError`."""
    try:
        moment = datetime.fromisoformat(
            text.strip().removesuffix("Z") + ("+00:00" if text.strip().endswith("Z") else "")
        )
    except ValueError:
        raise UsageError(
            f"--as-of: {text!r} is no date", hint="give auto, commit, pins, today, or a date such as 2022-08-15"
        ) from None
    if len(text.strip()) == len("2022-08-15"):
        moment += timedelta(days=1)
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)


def _automatic(request: Request, declaration: Declaration, requirements: Requirements, pin_date: PinDate) -> AsOf:
    if not request.time_travel:
        return AsOf(None, "a local folder is run with the packages of today")
    moment, reason = _declaration_date(request, declaration, requirements)
    if moment is None:
        return AsOf(None, "the source has no history, so it is run with the packages of today")
    if not requirements.all_pinned:
        return AsOf(moment, reason)
    newest = pin_date()
    if newest is None:
        return AsOf(
            moment,
            reason,
            (
                (
                    "the package index does not tell when the pinned releases were uploaded, or lacks one; the"
                    " declaration's date is used"
                ),
            ),
        )
    settled = newest + AFTER_PINS
    if settled < moment:
        return AsOf(
            settled,
            f"four weeks after the newest pinned release ({newest:%Y-%m-%d}), which is before"
            f" {request.dated_by} ({moment:%Y-%m-%d})",
        )
    return AsOf(moment, reason)


def _declaration_date(
    request: Request, declaration: Declaration, requirements: Requirements
) -> tuple[datetime | None, str]:
    """The last change of the files that declare the packages, else the commit's date."""
    files: list[Path] = [
        file for file in {declaration.file, *requirements.files} if file is not None and declaration.kind != "imports"
    ]
    changes = [change for change in map(request.last_changed, sorted(files)) if change is not None]
    if changes:
        return max(changes), f"last change of {declaration.file.name if declaration.file else 'the declaration'}"
    return request.commit_date, f"date of {request.dated_by}"


def _commit(request: Request, requirements: Requirements) -> AsOf:
    del requirements
    if request.commit_date is None:
        raise UsageError(
            "--as-of commit: the project has no Git history",
            hint="give a date, such as --as-of 2022-08-15, or --as-of today",
        )
    return AsOf(request.commit_date, f"date of {request.dated_by} (--as-of commit)")


def _pins(requirements: Requirements, pin_date: PinDate) -> AsOf:
    if not requirements.all_pinned:
        free = [package for package in requirements.packages if "==" not in package]
        raise UsageError(
            f"--as-of pins: not every package is pinned to one version ({', '.join(free[:5]) or 'there is none'})",
            hint="pin them with ==, or give --as-of commit or a date",
        )
    newest = pin_date()
    if newest is None:
        raise UsageError(
            "--as-of pins: the package index does not tell when the pinned releases were uploaded", hint="give a date"
        )
    return AsOf(newest + AFTER_PINS, f"four weeks after the newest pinned release ({newest:%Y-%m-%d})")
