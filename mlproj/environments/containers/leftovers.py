"""Containers whose mlproj was killed together with what was to end them."""

from __future__ import annotations

from collections.abc import Callable

from mlproj import paths
from mlproj.environments.containers import container, engine
from mlproj.errors import ServiceError


def remove(is_over: Callable[[str], bool]) -> tuple[list[str], list[str]]:
    """Remove the containers of this home's runs of which *is_over* says so, in every engine that answers.

    Returns the runs they belonged to, and what went wrong.
    """
    runs: list[str] = []
    troubles: list[str] = []
    for one in engine.answering():
        try:
            for run_id in filter(is_over, container.left(one, paths.home())):
                container.remove(one, run_id)
                runs.append(run_id)
        except ServiceError as trouble:
            troubles.append(str(trouble))
    return runs, troubles
