"""What a place that models are deployed to has to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.progress import Progress


@dataclass(frozen=True)
class Wanted:
    """What is to run: the deployment's ``name``, the ``image`` with the model and its ``image_id``, and the target's
    own ``options``, of which only those that it names are given."""

    name: str
    image: str
    image_id: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Running:
    """What runs: where it answers, None where the target does not know, and ``handle``, what the target needs to find
    it again; texts only, and no secrets."""

    url: str | None
    handle: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """What the place says now: ``status`` is ``ready``, ``starting``, ``failed``, ``stopped`` or ``gone``; ``image_id``
    is what it runs, None where it does not say."""

    status: str
    image_id: str | None = None
    detail: str = ""


class Target(Protocol):
    """A kind of place. Methods raise UsageError, EnvironmentFailure and ServiceError."""

    @property
    def options(self) -> Mapping[str, str]:
        """The options that it takes (``-C NAME=VALUE``), each with what it means."""

    def plan(self, wanted: Wanted) -> str:
        """What would be applied, for people to read; nothing is made or asked."""

    def create(self, wanted: Wanted, progress: Progress) -> Running:
        """Run it, and return when it answers. A failure leaves nothing."""

    def update(self, running: Running, wanted: Wanted, progress: Progress) -> Running:
        """Replace what runs by what is wanted, once that answers. A failure leaves running what runs."""

    def state(self, running: Running) -> State:
        """How it is now, asked of the place itself."""

    def delete(self, running: Running) -> None:
        """Remove it; what is gone already is no failure."""
