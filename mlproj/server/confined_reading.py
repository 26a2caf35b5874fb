"""What the program of a confined run may read of the store: its own runs, and the experiments that it is in or made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mlproj.foundation.delegation import delegated
from mlproj.foundation.override import override
from mlproj.server.call import ApiError
from mlproj.server.run_scoped_store import RunScopedStore
from mlproj.server.run_tree import PROGRAM
from mlproj.tracking.base import DeletedRuns, Experiment, Experiments, Metric, Page, Run, RunInputs, Runs, TrackingStore
from mlproj.tracking.search.grammar import parse_filter
from mlproj.tracking.search.vocabulary import EXPERIMENTS, RUNS, Vocabulary


class ConfinedReading(TrackingStore):
    """The :class:`~mlproj.tracking.base.TrackingStore` of a confined run's program, over *scoped*.

    An experiment that is not the program's own is shown by its name and id, which ``set_experiment`` asks for, without
    what is in it. Other runs are an ApiError(PERMISSION_DENIED), and no search finds them.
    """

    def __init__(self, scoped: RunScopedStore) -> None:
        self._run_store = scoped
        self._run_tree = scoped.run_tree
        self._named: set[str] = {"0"}  # experiments that the program knows by their names

    # What writes is passed on: it reaches the program's own only.
    create_run = delegated(Runs.create_run, "_run_store")
    update_run = delegated(Runs.update_run, "_run_store")
    log = delegated(Runs.log, "_run_store")
    delete_tag = delegated(Runs.delete_tag, "_run_store")
    log_inputs = delegated(RunInputs.log_inputs, "_run_store")
    purge = delegated(DeletedRuns.purge, "_run_store")
    create_experiment = delegated(Experiments.create_experiment, "_run_store")
    update_experiment = delegated(Experiments.update_experiment, "_run_store")
    delete_experiment_tag = delegated(Experiments.delete_experiment_tag, "_run_store")
    close = delegated(TrackingStore.close, "_run_store")

    @override
    def get_run(self, reference: str) -> Run:
        """A run of the run tree."""
        self._run_tree.require(reference)
        return self._run_store.get_run(reference)

    @override
    def marks(self, run_id: str) -> Any:
        """Of a run of the run tree."""
        self._run_tree.require(run_id)
        return self._run_store.marks(run_id)

    @override
    def metric_history(self, run_id: str, key: str) -> list[Metric]:
        """Of a run of the run tree."""
        self._run_tree.require(run_id)
        return self._run_store.metric_history(run_id, key)

    @override
    def search_runs(self, *, filter: str = "", **query: Any) -> Page[Run]:
        """Runs of the run tree."""
        return self._run_store.search_runs(filter=_among(filter, RUNS, "run_id", self._run_tree.ids), **query)

    @override
    def list_runs(self, **query: Any) -> list[Run]:
        """Runs of the run tree."""
        return [run for run in self._run_store.list_runs(**query) if self._run_tree.owns(run.run_id)]

    @override
    def purgeable(self, **_which: Any) -> list[Run]:
        """None: the program removes nothing for good."""
        return []

    @override
    def get_experiment(self, *, name: str | None = None, experiment_id: str | None = None) -> Experiment:
        """An experiment by name, or one by id that is the program's own or was found by name before."""
        found = self._run_store.get_experiment(name=name, experiment_id=experiment_id)
        if found.experiment_id in self._run_store.own_experiments():
            return found
        if name is not None:
            self._named.add(found.experiment_id)
        elif found.experiment_id not in self._named:
            raise ApiError(
                "PERMISSION_DENIED",
                f"Experiment {found.experiment_id} is not of this program: with --sandbox {PROGRAM} reads the"
                " experiments that its runs are in and those that it made itself.",
            )
        return replace(found, tags={}, creation_time=None, last_update_time=None)

    @override
    def search_experiments(self, *, filter: str = "", **query: Any) -> Page[Experiment]:
        """The program's own experiments."""
        own = sorted(self._run_store.own_experiments())
        return self._run_store.search_experiments(filter=_among(filter, EXPERIMENTS, "experiment_id", own), **query)

    @override
    def list_experiments(self) -> list[Experiment]:
        """The program's own experiments."""
        own = self._run_store.own_experiments()
        return [experiment for experiment in self._run_store.list_experiments() if experiment.experiment_id in own]


def _among(filter: str, vocabulary: Vocabulary, key: str, values: Sequence[str]) -> str:
    """*filter* for what has one of *values* only. Raises UsageError for a filter that is not understood by itself."""
    parse_filter(filter, vocabulary)
    condition = f"attributes.{key} IN ({', '.join(repr(value) for value in values)})"
    return f"{filter} AND {condition}" if filter.strip() else condition
