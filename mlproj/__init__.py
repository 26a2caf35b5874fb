"""Run machine-learning projects from wherever they live, write down what happened, and do it again.

``mlproj.run`` does from Python what ``mlproj run`` does. ``mlproj.log_metric``, ``start_run`` and their like log to a
run, also outside of ``mlproj run``. Importing this package loads nothing else: each name is loaded when it is first
used.
"""

from __future__ import annotations

TYPE_CHECKING = False  # to a type checker it is true; `typing` takes 3 ms to load
if TYPE_CHECKING:
    from typing import Any

    from mlproj.logging_api.active_run import ActiveRun as ActiveRun
    from mlproj.logging_api.artifact import log_artifact as log_artifact
    from mlproj.logging_api.artifact import log_artifacts as log_artifacts
    from mlproj.logging_api.artifact import log_dict as log_dict
    from mlproj.logging_api.artifact import log_text as log_text
    from mlproj.logging_api.fluent import active_run as active_run
    from mlproj.logging_api.fluent import end_run as end_run
    from mlproj.logging_api.fluent import log_metric as log_metric
    from mlproj.logging_api.fluent import log_metrics as log_metrics
    from mlproj.logging_api.fluent import log_param as log_param
    from mlproj.logging_api.fluent import log_params as log_params
    from mlproj.logging_api.fluent import set_tag as set_tag
    from mlproj.logging_api.fluent import set_tags as set_tags
    from mlproj.logging_api.fluent import start_run as start_run
    from mlproj.logging_api.search import search_runs as search_runs
    from mlproj.models.loaded_model import LoadedModel as LoadedModel
    from mlproj.models.loaded_model import load_model as load_model
    from mlproj.models.writing.given_signature import infer_signature as infer_signature
    from mlproj.models.writing.logged_model import log_model as log_model
    from mlproj.models.writing.saving import save_model as save_model
    from mlproj.running.handle import RunHandle as RunHandle
    from mlproj.running.python_run import run as run
    from mlproj.tracking.base import Run as Run

__version__ = "0.1.0"

_LAZY = {
    name: module
    for module, names in {
        "mlproj.running.python_run": "run",
        "mlproj.running.handle": "RunHandle",
        "mlproj.logging_api.fluent": (
            "log_metric log_metrics log_param log_params set_tag set_tags start_run end_run active_run"
        ),
        "mlproj.logging_api.artifact": "log_artifact log_artifacts log_dict log_text",
        "mlproj.logging_api.active_run": "ActiveRun",
        "mlproj.logging_api.search": "search_runs",
        "mlproj.models.loaded_model": "load_model LoadedModel",
        "mlproj.models.writing.given_signature": "infer_signature",
        "mlproj.models.writing.logged_model": "log_model",
        "mlproj.models.writing.saving": "save_model",
        "mlproj.tracking.base": "Run",
    }.items()
    for name in names.split()
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        found = globals()[name] = getattr(import_module(_LAZY[name]), name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
