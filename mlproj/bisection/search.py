"""Which commit to try next, from how commits follow each other and what is known of some. Pure.

The assumption is Git's: what came in with one commit is in all that follow it. A commit found good clears all before
it, one found bad clears all but those before it, and the next to try is the one whose verdict, whatever it is, clears
most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class Search:
    """The commits that may be the first bad one. *parents* are in the order of history, and the last one is known to be
    bad.

    Parents that are no keys are known to be good.
    """

    def __init__(self, parents: Mapping[str, Sequence[str]]) -> None:
        self._names = list(parents)
        self._number = {name: index for index, name in enumerate(self._names)}
        self._past: list[int] = []  # sets of commits as the bits of a number: each commit with all before it
        for index, before in enumerate(parents.values()):
            past = 1 << index
            for parent in before:
                if parent in self._number:
                    past |= self._past[self._number[parent]]
            self._past.append(past)
        self._left = self._past[-1]
        self._skipped = 0
        self._skipped_lately = 0

    @property
    def suspects(self) -> list[str]:
        """The commits that may be the first bad one, in the order of history."""
        return [self._names[index] for index in self._indices()]

    @property
    def runs_left(self) -> int:
        """How many more verdicts it takes when no commit is skipped."""
        return (self._left.bit_count() - 1).bit_length()

    def next(self) -> str | None:
        """The commit to try, None when no verdict can tell the suspects apart any more.

        After a commit that was skipped its neighbours are likely to be skipped as well, so that the next is twice as
        far from it.
        """
        total = self._left.bit_count()
        weights = {
            index: (self._past[index] & self._left).bit_count()
            for index in self._indices()
            if not self._skipped >> index & 1
        }
        open = [index for index, weight in weights.items() if weight < total]  # the last one is known to be bad
        if not open:
            return None
        open.sort(key=lambda index: -min(weights[index], total - weights[index]))
        return self._names[open[(pow(2, self._skipped_lately, len(open)) - 1) % len(open)]]

    def good(self, name: str) -> None:
        """*name* and all before it are cleared."""
        self._left &= ~self._past[self._number[name]]
        self._skipped_lately = 0

    def bad(self, name: str) -> None:
        """All but *name* and those before it are cleared."""
        self._left &= self._past[self._number[name]]
        self._skipped_lately = 0

    def skip(self, name: str) -> None:
        """Nothing can be known of *name*."""
        self._skipped |= 1 << self._number[name]
        self._skipped_lately += 1

    def _indices(self) -> list[int]:
        return [index for index in range(len(self._names)) if self._left >> index & 1]
