"""A project looked at without running it: its source pinned and fetched, its files read, its environment decided,
nothing built."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from mlproj import environments, projects, sources
from mlproj.environments.base import Description, Request
from mlproj.foundation.errors import MlprojError
from mlproj.foundation.progress import Progress
from mlproj.projects.base import EntryPoint, Project
from mlproj.running import runner
from mlproj.running.interruption import listening
from mlproj.running.plan import RunRequest
from mlproj.sources.base import Checkout, Revision


@dataclass(frozen=True)
class Opened:
    """A revision with its files, which stay as long as the block of :func:`opened`."""

    request: RunRequest
    revision: Revision
    checkout: Checkout

    def load(self) -> Project:
        """What the files say. Raises InvalidProject."""
        return projects.load(self.checkout.project_dir, root=self.checkout.root)

    def environment_request(self, project: Project) -> Request:
        """What the environment of the main (or else the first) entry point is decided from."""
        points = project.entry_points
        point = points.get("main") or next(iter(points.values()), None) or EntryPoint("main", "")
        return runner.environment_request(self.request, self.revision, self.checkout, project, point)

    def decide(self, project: Project, progress: Progress) -> tuple[Description | None, MlprojError | None]:
        """The environment, or why there can be none: a project can be looked at all the same."""
        try:
            return environments.resolve(self.environment_request(project), progress).description, None
        except MlprojError as error:
            return None, error


@contextmanager
def opened(request: RunRequest, progress: Progress) -> Iterator[Opened]:
    """The project that *request* names, fetched. Raises UsageError and SourceError."""
    with listening(), ExitStack() as resources:  # a signal unwinds what was begun
        source = sources.open(request.uri)
        with progress.step(f"fetching {request.uri}"):
            revision = source.pin(request.version, offline=request.offline)
            checkout = source.fetch(revision, isolated=False)
            resources.callback(checkout.release)
        yield Opened(request, revision, checkout)
