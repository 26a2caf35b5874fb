"""Experiments as the program of one run may use them: those that it made itself or is in.

Where the user chose the run's experiment, what the program wants in another one goes to that.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlproj.foundation.override import override
from mlproj.foundation.redaction import redact
from mlproj.server.call import ApiError
from mlproj.server.run_tree import PROGRAM
from mlproj.tracking.base import Experiment, Experiments, Page, Run, TrackingStore


@dataclass(frozen=True)
class Chosen:
    """What the user chose for the run, so that the program does not: its experiment, its name."""

    experiment: bool = False
    name: bool = False


class RunScopedExperiments(Experiments):
    """The :class:`~mlproj.tracking.base.Experiments` of one run's program, over those of *store*.

    *folder* is where the program works; relative places of artifacts are below it.
    """

    def __init__(self, store: TrackingStore, run: Run, chosen: Chosen, folder: Path, *, confined: bool = False) -> None:
        self.confined = confined
        self._store = store
        self._run = run
        self._chosen = chosen
        self._folder = folder
        self._redirected: set[str] = set()  # experiments whose runs went to the one that the user chose
        self._made_experiments: set[str] = set()
        self._entered: set[str] = set()  # experiments that the program made runs in, besides the one of ours

    def place(self, experiment_id: str) -> str:
        """The experiment for what the program wants in this one: the one that the user chose, if any."""
        if not self._chosen.experiment or experiment_id == self._run.experiment_id:
            return experiment_id
        self._redirected.add(experiment_id)
        return self._run.experiment_id

    def searched(self, experiment_ids: Sequence[str] | None) -> Sequence[str] | None:
        """Where to look for what the program thinks is in *experiment_ids*."""
        if experiment_ids is None or self._redirected.isdisjoint(experiment_ids):
            return experiment_ids
        return [*experiment_ids, self._run.experiment_id]

    @override
    def create_experiment(
        self,
        name: str,
        artifact_location: str | None = None,
        *,
        tags: Mapping[str, str] | None = None,
        new: bool = False,
    ) -> Experiment:
        if artifact_location and not urlsplit(artifact_location).scheme:
            artifact_location = Path(os.path.normpath(self._folder / artifact_location)).as_uri()
        made = self._store.create_experiment(redact(name), artifact_location, tags=redacted(tags), new=new)
        if new:
            self._made_experiments.add(made.experiment_id)
        return made

    @override
    def update_experiment(
        self,
        experiment_id: str,
        *,
        name: str | None = None,
        lifecycle_stage: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        if name or lifecycle_stage:
            self._require_made(experiment_id, "rename, delete and restore only experiments that it made itself")
        if tags and experiment_id not in self._made_experiments:
            experiment_id = self._tagged(experiment_id)
            self._require_entered(experiment_id, redacted(tags))
        name = redact(name) if name else None
        self._store.update_experiment(
            experiment_id, name=name, lifecycle_stage=lifecycle_stage, tags=redacted(tags) if tags else None
        )

    def _tagged(self, experiment_id: str) -> str:
        """The experiment that the program means: where the user chose one, it is in that."""
        return self._run.experiment_id if experiment_id in self._redirected else experiment_id

    def _require_made(self, experiment_id: str, may: str) -> None:
        if experiment_id not in self._made_experiments:
            self._store.get_experiment(experiment_id=experiment_id)  # raises NotFound for an unknown one
            raise ApiError(
                "PERMISSION_DENIED", f"Experiment {experiment_id} is not of this program: {PROGRAM} may {may}."
            )

    def _require_entered(self, experiment_id: str, tags: Mapping[str, str]) -> None:
        """Raise ApiError for tags of an experiment that the program is not in, unless they would be as they were."""
        if experiment_id in self.own_experiments():
            return
        kept = self._store.get_experiment(experiment_id=experiment_id).tags
        if self.confined or any(kept.get(key) != value for key, value in tags.items()):
            raise ApiError(
                "PERMISSION_DENIED",
                f"Experiment {experiment_id} is not of this program: {PROGRAM} may tag the experiments that it made"
                " itself or is in.",
            )

    def own_experiments(self) -> set[str]:
        """The experiments that the program made or is in. Runs below ours make a confined one reach no further."""
        entered = set() if self.confined else self._entered
        return {self._store.get_run(self._run.run_id).experiment_id, *self._made_experiments, *entered}

    @override
    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        self._require_made(experiment_id, "take tags only from experiments that it made itself")
        self._store.delete_experiment_tag(experiment_id, key)

    @override
    def search_experiments(self, **query: Any) -> Page[Experiment]:
        return self._store.search_experiments(**query)

    @override
    def get_experiment(self, *, name: str | None = None, experiment_id: str | None = None) -> Experiment:
        return self._store.get_experiment(name=redact(name) if name else name, experiment_id=experiment_id)

    @override
    def list_experiments(self) -> list[Experiment]:
        return self._store.list_experiments()


def redacted(values: Mapping[str, str] | None) -> dict[str, str]:
    """*values* without secrets, in their names too."""
    return {redact(key): redact(value) for key, value in (values or {}).items()}
