"""Models that run somewhere: a target per kind of place, and a record of what runs where.

A target is a class of no arguments with the members of :class:`~mlproj.models.deployments.base.Target`; others are
installed as entry points of the group ``mlproj.deployments``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlproj.foundation import plugins

if TYPE_CHECKING:
    from mlproj.models.deployments.base import Target

TARGETS = {
    "docker": "mlproj.models.deployments.docker:DockerTarget",
    "kubernetes": "mlproj.models.deployments.kubernetes:KubernetesTarget",
}


def target(name: str) -> Target:
    """The target *name*. Raises UsageError for one that is not known."""
    made: Target = plugins.load("mlproj.deployments", name, TARGETS)()
    return made
