"""Runs a command on this machine like any other program of the user."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mlproj.backends.base import Job
from mlproj.environments.base import Network, Prepared
from mlproj.foundation.progress import Progress
from mlproj.running.isolation.base import HERE, Reach
from mlproj.server.embedded import FOREIGN_VARIABLES

# MLflow's variables that would attach the program to somebody else's run or experiment.
_FOREIGN = {
    "MLFLOW_RUN_ID",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_REGISTRY_URI",
    *FOREIGN_VARIABLES,
}


class Direct:
    """No isolation. See :class:`~mlproj.running.isolation.base.Isolation`."""

    writes_here = True

    def network(self, prepared: Prepared) -> Network:  # noqa: ARG002  # another kind's depends on it
        """This machine's."""
        return HERE

    def inherited(self, prepared: Prepared) -> dict[str, str]:
        """The variables of this process without those that belong to another run."""
        return prepared.apply({name: value for name, value in os.environ.items() if name not in _FOREIGN})

    @contextmanager
    def isolated(self, job: Job, prepared: Prepared, reach: Reach, progress: Progress) -> Iterator[Callable[[], Job]]:  # noqa: ARG002
        """*job* as it is."""
        yield lambda: job
