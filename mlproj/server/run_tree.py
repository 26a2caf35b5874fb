"""Which runs a run's program may write to: the run itself and what descends from it."""

from __future__ import annotations

from mlproj.mlflow_import.foreign_run import PARENT_TAG
from mlproj.server.call import ApiError
from mlproj.tracking.base import UNFINISHED, NotFound, RunChanges, Runs, Status

PROGRAM = "a program inside `mlproj run`"
_DEEPEST = 50  # generations


class RunTree:
    """A run and its descendants in *store*. Safe for threads."""

    def __init__(self, store: Runs, run_id: str) -> None:
        self._store = store
        self.run_id = run_id
        self._children: set[str] = set()

    def add(self, run_id: str) -> None:
        """Take in a run that the program made."""
        self._children.add(run_id)

    @property
    def ids(self) -> list[str]:
        """The run and those that the program made."""
        return [self.run_id, *sorted(self._children)]

    def owns(self, run_id: str) -> bool:
        """:meth:`holds`, and False for an unknown run."""
        try:
            return self.holds(run_id)
        except NotFound:
            return False

    def holds(self, run_id: str) -> bool:
        """Whether the run is of the run tree; also one that a nested ``mlproj run`` made.

        Raises NotFound for an unknown one.
        """
        current: str | None = run_id
        for _ in range(_DEEPEST):
            if current is None:
                return False
            if current == self.run_id or current in self._children:
                return True
            current = self._parent(current)
        return False

    def _parent(self, run_id: str) -> str | None:
        found = self._store.get_run(run_id)
        if found.run_id != run_id:  # a name, or a part of an id
            raise NotFound(f"there is no run {run_id!r}")
        return found.tags.get(PARENT_TAG)

    def require(self, run_id: str) -> None:
        """Raises ApiError(PERMISSION_DENIED) for a run outside of the run tree, NotFound for an unknown one."""
        if not self.holds(run_id):
            raise ApiError(
                "PERMISSION_DENIED",
                f"Run {run_id} is not of this program: {PROGRAM} may write to its own run {self.run_id} and to the runs"
                " below it, and with --sandbox it reads no others.",
            )

    def end(self, status: Status) -> None:
        """Give the runs that the program left open the *status* that its own run has. Raises ServiceError."""
        for run_id in sorted(self._children):
            try:
                self._store.update_run(run_id, RunChanges(status=status), expected=UNFINISHED)
            except NotFound:  # purged meanwhile
                continue
