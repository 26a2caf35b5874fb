"""A project opened: its source pinned and fetched, its files read; nothing is built or run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from mlproj import projects, sources
from mlproj.environments.base import Declaration, Request
from mlproj.foundation.dataclass import dataclass, replace
from mlproj.foundation.errors import Place, UsageError
from mlproj.foundation.locked import Locked
from mlproj.foundation.progress import Progress
from mlproj.foundation.shown_path import from_here
from mlproj.projects.base import Command, EntryPoint, Project
from mlproj.running.plan import RunRequest
from mlproj.sources.base import Checkout, Revision, Source


@dataclass(frozen=True)
class OpenedProject:
    """What *request* names: a revision with its files, which stay as long as the block of :func:`open_project`."""

    request: RunRequest
    revision: Revision
    checkout: Checkout

    def load(self) -> Project:
        """What the files say. Raises InvalidProject."""
        return projects.load(self.checkout.project_dir, root=None if self.checkout.in_place else self.checkout.root)

    def entry_point(self, project: Project) -> EntryPoint:
        """The entry point that is asked for, else main, else the only one. Raises UsageError, InvalidProject."""
        try:
            return projects.resolve_entry_point(project, self._asked)
        except UsageError as error:
            if error.place and project.file:
                error.place = Place(from_here(project.file, self.checkout.root))
            raise

    def any_entry_point(self, project: Project) -> EntryPoint:
        """As :meth:`entry_point`, and the first, or an empty one, where that finds none and none is asked for."""
        points = project.entry_points
        if self._asked:
            return self.entry_point(project)
        return points.get("main") or next(iter(points.values()), None) or EntryPoint("main", "")

    @property
    def _asked(self) -> str | None:
        return self.request.entry_point or self.checkout.given.entry_point

    def command(self, entry_point: EntryPoint, values: Mapping[str, Any]) -> Command:
        """What *values* make of *entry_point*, the files that they name brought here. Raises UsageError,
        InvalidProject."""
        checkout = self.checkout
        # Relative paths of the user's count from where the user stands.
        cwd = checkout.root / self.request.cwd if self.request.cwd else checkout.project_dir
        return projects.bind(entry_point, values, project_dir=checkout.project_dir, cwd=cwd, fetch=self._fetcher())

    def _fetcher(self) -> Callable[[str], Path]:
        """How files named by ``path`` parameters are brought here; the module that can is loaded when one is."""

        def fetch(uri: str) -> Path:
            if uri in self.checkout.given.files:
                return self.checkout.given.files[uri]
            from mlproj.running import inputs

            return inputs.fetch(uri, offline=self.request.offline)

        return fetch

    def environment_request(self, project: Project, entry_point: EntryPoint) -> Request:
        """What the environment of *entry_point* is decided from."""
        request, revision, checkout = self.request, self.revision, self.checkout
        declared = project.environment
        reason = "MLflow's default file" if declared and declared.by_default else "MLproject names it"
        return Request(
            project_dir=checkout.project_dir,
            root=checkout.root,
            declared=Declaration(declared.kind, declared.file, reason, declared.place, declared.options)
            if declared
            else None,
            script=entry_point.script,
            command=entry_point.command,
            manager=request.env_manager,
            as_of=request.as_of,
            time_travel=revision.kind != "folder",
            commit_date=revision.commit_date,
            last_changed=checkout.last_changed,
            infer=request.infer,
            offline=request.offline,
            docker_args=request.docker_args,
            build_image=request.build_image,
            in_container=request.in_container,
            locked=_locked(request.locked, checkout.given.locked),
            sandbox=request.sandbox,
            plan_only=request.plan_only,
            relax=request.relax,
        )


@contextmanager
def open_project(request: RunRequest, progress: Progress, source: Source | None = None) -> Iterator[OpenedProject]:
    """The project that *request* names, fetched; *source* is what its URI stands for, where that is known.

    Raises UsageError, SourceError, ServiceError.
    """
    source = source or sources.open(request.uri)
    is_here = Path(request.uri.partition("#")[0]).is_dir()
    doing = "copying" if is_here else "fetching"
    with nullcontext() if is_here and not request.isolated else progress.step(f"{doing} {request.uri}"):
        revision = source.pin(request.version, offline=request.offline)
        checkout = source.fetch(revision, isolated=request.isolated)
    try:
        yield OpenedProject(request, revision, checkout)
    finally:
        checkout.release()


def _locked(asked: Locked | None, given: Locked | None) -> Locked | None:
    """The environment that is made again: the one asked for, by what came with the files where that has the same
    lock."""
    if asked is None or given is None:
        return asked or given
    locks = (asked.lock, given.kept or given.lock)
    is_same = None not in locks and len({lock.read_bytes() for lock in locks if lock}) == 1
    return replace(given, of=asked.of) if is_same else asked
