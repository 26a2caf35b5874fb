"""Where a server gets the model from that it serves: opened by its address, with its environment made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.progress import Progress
from mlproj.models import environment
from mlproj.models.environment import EnvironmentOptions
from mlproj.models.opened import open_model
from mlproj.models.scoring.launching import Launcher
from mlproj.models.scoring.service import Launch
from mlproj.models.serving.about import About, about


@dataclass(frozen=True)
class Model:
    """What is served: how its workers are started, what is said of it, and what ends whatever starts them."""

    launch: Launch
    about: About
    close: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Source:
    """Opens models for one server. ``worker`` are the options of
    :func:`~mlproj.models.scoring.spec.spec_of`."""

    environment: EnvironmentOptions
    progress: Progress
    worker: Mapping[str, Any] = field(default_factory=dict)

    def open(self, address: str) -> Model:
        """The model at *address*, to be closed. Raises what opening it and making its environment raise."""
        with ExitStack() as opening:
            opened = opening.enter_context(open_model(address, self.progress, offline=self.environment.offline))
            prepared = environment.decide(opened, self.environment, self.progress).prepare(self.progress)
            launcher = Launcher(opened, prepared, self.progress.note, **self.worker)
            opening.callback(launcher.close)
            return Model(launcher.launch, about(opened), opening.pop_all().close)
