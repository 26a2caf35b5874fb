"""What came of verifying something: every change, and who signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlproj.foundation.dataclass import dataclass, field


@dataclass(frozen=True)
class Change:
    """Something that is not as it was recorded or signed. ``kind``: changed, missing, added or unreadable."""

    kind: str
    what: str
    was: str | None = None
    now: str | None = None


@dataclass(frozen=True)
class Signed:
    """A signature. ``state``: trusted (it is that of the known key ``name``), bad, or unknown (no key here can
    tell)."""

    state: str
    keyid: str
    name: str | None = None


@dataclass(frozen=True)
class Report:
    """What was verified, and what was found. ``statements`` holds the signatures of each signed statement.

    ``of_run`` are the signatures of the statement of a run that a package was made of; they do not cover its files.
    ``facts`` say what it is by name. ``faults`` are reasons not to believe what was signed; ``notes`` say what could
    not be checked.
    """

    about: str
    changes: Sequence[Change] = ()
    statements: Sequence[Sequence[Signed]] = ()
    faults: Sequence[str] = ()
    notes: Sequence[str] = ()
    of_run: Sequence[Signed] = ()
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def signatures(self) -> list[Signed]:
        """All signatures."""
        return [one for signatures in self.statements for one in signatures]

    @property
    def is_signed(self) -> bool:
        """Whether there is a statement, and each is signed with a key that is known here."""
        return bool(self.statements) and all(map(_is_trusted, self.statements))

    def is_sound(self, *, signature_required: bool) -> bool:
        """Whether nothing speaks against it: no change, no fault, and no bad signature without a good one beside it."""
        is_bad = any(
            not _is_trusted(each) and any(one.state == "bad" for one in each)
            for each in (*self.statements, self.of_run)
        )
        return not (self.changes or self.faults or is_bad or (signature_required and not self.is_signed))


def _is_trusted(signatures: Sequence[Signed]) -> bool:
    return any(one.state == "trusted" for one in signatures)
