"""Workers of one model: started in its environment, loaded, and warmed with an example before they are asked.

One process loads the model, and the workers are copies of it, which share its memory. Not every library can be copied
once it is loaded (its threads are not in the copy): so the first copy is tried, and if it does not answer as a process
of its own does, every worker becomes one.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlproj.environments.base import Prepared
from mlproj.models.opened import OpenedModel
from mlproj.models.scoring import worker_process
from mlproj.models.scoring.copied_process import CopiedProcess, Original
from mlproj.models.scoring.example import example_of, made_up
from mlproj.models.scoring.spec import spec_of
from mlproj.models.scoring.worker_process import Loaded, Worker, WorkerGone, WorkerProcess

_PATIENCE = 5.0  # seconds that a copy has for its first answer, and half the time that loading took


class Launcher:
    """Starts workers of a model in the environment *prepared*; *options* are those of
    :func:`~mlproj.models.scoring.spec.spec_of`. *say* is told what its user should know."""

    def __init__(
        self, opened: OpenedModel, prepared: Prepared, say: Callable[[str], object] = lambda _text: None, **options: Any
    ) -> None:
        self._prepared = prepared
        self._say = say
        self._spec = spec_of(opened, **options)
        self._example = example_of(opened) or made_up(opened.file.signature)
        self._lock = threading.Lock()
        self._copies: bool | None = None if sys.platform == "linux" and self._example is not None else False
        self._original: tuple[Original, Loaded] | None = None
        self._starting: set[Worker] = set()
        self._is_closed = False

    def launch(self) -> tuple[Worker, Loaded]:
        """A worker that has loaded the model and, where there is an example, has predicted it once.

        Raises NotLoaded, WorkerGone, EnvironmentFailure.
        """
        with self._lock:
            if self._copies is None:
                return self._try_copies()
            original = self._living_original() if self._copies else None
        if original is not None:
            copy, _status = self._copied(*original)
            if copy is not None:
                return copy, original[1]
        return self._alone()

    def close(self) -> None:
        """End what is not handed out: the process that is copied, and what is being started."""
        self._is_closed = True
        for worker in list(self._starting):
            worker.kill()
        with self._lock:
            original, self._original = self._original, None
        if original is not None:
            original[0].worker.end()

    def _try_copies(self) -> tuple[Worker, Loaded]:
        worker, loaded = self._loaded()
        original = Original(worker)
        copy, status = self._copied(original, loaded) if loaded.copies else (None, 0)
        if copy is not None and status == 200:
            self._original, self._copies = (original, loaded), True
            return copy, loaded
        if copy is not None:
            copy.end()
        # The process that was to be copied is the worker then, and tells whether the copy was to blame.
        self._copies = self._warmed(worker) == status
        if not self._copies:
            self._say("this model cannot be copied once it is loaded: each worker loads it into a memory of its own")
        return worker, loaded

    def _living_original(self) -> tuple[Original, Loaded]:
        if self._original is None or not self._original[0].worker.is_alive:
            worker, loaded = self._loaded()
            self._original = Original(worker), loaded
        return self._original

    def _copied(self, original: Original, loaded: Loaded) -> tuple[CopiedProcess | None, int]:
        """A copy with the status of its first answer; none if it has no answer in time."""
        copy = None
        try:
            copy = original.copy()
            copy.connection.settimeout(_PATIENCE + loaded.seconds / 2)
            status = self._warmed(copy)
            copy.connection.settimeout(None)
        except WorkerGone:
            if copy is not None:
                copy.end()
            return None, 0
        return copy, status

    def _alone(self) -> tuple[Worker, Loaded]:
        worker, loaded = self._loaded()
        self._warmed(worker)
        return worker, loaded

    def _loaded(self) -> tuple[WorkerProcess, Loaded]:
        worker = worker_process.start(self._prepared, cwd=Path(self._spec["folder"]))
        self._starting.add(worker)
        try:
            if self._is_closed:
                raise WorkerGone("the server stopped before the model was loaded")
            return worker, worker.load(self._spec)
        except BaseException:
            worker.end()
            raise
        finally:
            self._starting.discard(worker)

    def _warmed(self, worker: Worker) -> int:
        """The status of its answer to the example, of any kind: libraries are loaded now."""
        if self._example is None:
            return 0
        self._starting.add(worker)
        try:
            return worker.invoke([("application/json", self._example)])[0].status
        except BaseException:
            worker.end()
            raise
        finally:
            self._starting.discard(worker)
