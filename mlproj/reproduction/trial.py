"""Causes that can be shown: where runs with something set are alike and others are not, it is the cause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlproj.reproduction.original import Original

TAG = "mlproj.trial"
"""The tag of a run that was made to find out why others differ: what was set for it."""
FEWEST = 3
"""Runs that have to be alike: two may be so by chance."""


@dataclass(frozen=True)
class Cause:
    """Why runs differ. ``proof`` is ``tried`` (runs with it set were alike) or ``read`` (found in the code or in the
    outputs)."""

    name: str
    text: str
    proof: str


@dataclass(frozen=True)
class Trial:
    """What is set for runs to find out whether it is the cause."""

    cause: Cause
    variables: Mapping[str, str]

    @property
    def shown(self) -> str:
        """What is set, as in a shell."""
        return " ".join(f"{name}={value}" for name, value in self.variables.items())


_HASH_SEED = Cause(
    "hash seed", "the order of sets decides something: set PYTHONHASHSEED, or sort what is in them", "tried"
)
_THREADS = Cause("thread counts", "sums depend on how many threads add up: set OMP_NUM_THREADS and its like", "tried")
_COUNTS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS")
_TRIALS = (Trial(_HASH_SEED, {"PYTHONHASHSEED": "0"}), Trial(_THREADS, dict.fromkeys(_COUNTS, "1")))


def prepare_trial(original: Original) -> Iterator[Trial]:
    """What may be tried for *original*: nothing that was set for it already, and did not help."""
    then = original.variables
    yield from (one for one in _TRIALS if all(then.get(name) is None for name in one.variables))
