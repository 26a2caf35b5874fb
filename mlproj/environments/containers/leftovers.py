"""Containers whose mlproj was killed together with what was to end them."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from mlproj import paths
from mlproj.environments.containers import container, engine
from mlproj.errors import MlprojError


def remove(is_over: Callable[[str], bool]) -> list[str]:
    """Remove the containers of this home's runs of which *is_over* says so; the runs they belonged to. Engines that do not answer
    are left alone."""
    if not any(map(shutil.which, engine.NAMES)):
        return []
    try:
        found = engine.find()
        runs = [run_id for run_id in container.left(found, paths.home()) if is_over(run_id)]
        for run_id in runs:
            container.remove(found, run_id)
    except MlprojError:
        return []
    return runs
