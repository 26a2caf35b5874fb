"""What was measured, kept after each run, so that whatever ends a search loses at most the run in progress."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from mlproj.foundation import file_lock, paths
from mlproj.foundation.dataclass import dataclass, replace
from mlproj.foundation.errors import ServiceError
from mlproj.tracking.record import number


@dataclass(frozen=True)
class Entry:
    """What is known of a commit: the metric's values, the ids of its runs (failed ones too), the environments built for
    them.

    ``skipped`` says why it cannot be measured; ``note`` what is odd about a run that was.
    """

    values: tuple[float, ...] = ()
    run_ids: tuple[str, ...] = ()
    builds: int = 0
    skipped: str | None = None
    note: str | None = None

    @property
    def value(self) -> float | None:
        """The median of the values."""
        if not self.values:
            return None
        import statistics

        return statistics.median(self.values)


class Notebook:
    """The entries of one question, in a file of mlproj's home. Two searches for the same may write it at once. Raises
    ServiceError."""

    def __init__(self, identity: str, about: Mapping[str, Any]) -> None:
        self.file = paths.bisections() / f"{identity}.json"
        self._about = about

    def read(self) -> dict[str, Entry]:
        """All entries by commit."""
        try:
            document = json.loads(self.file.read_bytes())
            if document["schema"] != 1:
                raise ValueError("it was written by a newer mlproj")
            return {commit: _entry(kept) for commit, kept in document["commits"].items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            message = (
                f"what was measured before cannot be read from {self.file}: {getattr(error, 'strerror', None) or error}"
            )
            raise ServiceError(message, hint="--restart forgets it") from error

    def keep(self, commit: str, entry: Entry) -> None:
        """Note what is known of *commit* now."""
        self._change(lambda entries: entries | {commit: entry})

    def try_skipped_again(self) -> None:
        """Forget which commits could not be run."""
        self._change(lambda entries: {commit: replace(entry, skipped=None) for commit, entry in entries.items()})

    def forget(self) -> None:
        """Forget everything."""
        try:
            self.file.unlink(missing_ok=True)
        except OSError as error:
            raise ServiceError(f"{self.file} cannot be removed: {error.strerror}") from error

    def _change(self, change: Callable[[dict[str, Entry]], dict[str, Entry]]) -> None:
        try:
            with file_lock.locked(self.file.with_suffix(".lock")):
                commits = {commit: _document(entry) for commit, entry in change(self.read()).items()}
                document = {"schema": 1, **self._about, "commits": commits}
                paths.write_atomic(self.file, json.dumps(document, indent=2) + "\n")
        except OSError as error:
            raise ServiceError(f"{self.file} cannot be written: {error.strerror}") from error


def _document(entry: Entry) -> dict[str, Any]:
    return {
        "values": [number(value) for value in entry.values],
        "run_ids": list(entry.run_ids),
        "builds": entry.builds,
        "skipped": entry.skipped,
        "note": entry.note,
    }


def _entry(kept: Mapping[str, Any]) -> Entry:
    return Entry(
        tuple(map(float, kept["values"])),
        tuple(map(str, kept["run_ids"])),
        int(kept["builds"]),
        kept["skipped"],
        kept["note"],
    )
