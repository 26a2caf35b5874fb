"""A project looked at without running it: opened, its environment decided, nothing built."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mlproj import environments
from mlproj.environments.base import Description, Request
from mlproj.foundation.errors import MlprojError
from mlproj.foundation.progress import Progress
from mlproj.projects.base import Project
from mlproj.running.interruption import listening
from mlproj.running.opened_project import OpenedProject, open_project
from mlproj.running.plan import RunRequest


@contextmanager
def opened(request: RunRequest, progress: Progress) -> Iterator[OpenedProject]:
    """The project that *request* names, fetched. Raises UsageError and SourceError."""
    with listening(), open_project(request, progress) as found:  # a signal unwinds what was begun
        yield found


def environment_request(found: OpenedProject, project: Project) -> Request:
    """What the environment of the main (or else the first) entry point is decided from."""
    return found.environment_request(project, found.any_entry_point(project))


def decide(found: OpenedProject, project: Project, progress: Progress) -> tuple[Description | None, MlprojError | None]:
    """The environment, or why there can be none: a project can be looked at all the same."""
    try:
        return environments.resolve(environment_request(found, project), progress).description, None
    except MlprojError as error:
        return None, error
