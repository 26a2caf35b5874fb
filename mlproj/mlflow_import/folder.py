"""Runs in MLflow's file layout, ``mlruns/EXPERIMENT/RUN/{meta.yaml,params/,metrics/,tags/,artifacts/}``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlproj.foundation import plain_file
from mlproj.mlflow_import.foreign_run import LoggedModel, MlflowRun, local_path, to_moment, to_status
from mlproj.tracking.base import Metric

_NOT_EXPERIMENTS = frozenset({".trash", "models"})  # deleted experiments; the model registry
_LARGEST_META = 1_000_000  # bytes of what describes a run or an experiment
_LARGEST_VALUE = 10_000_000  # bytes of one parameter or tag


def detect(folder: Path) -> bool:
    """Whether *folder* has an experiment in it. A link is not followed."""
    return not folder.is_symlink() and any((child / "meta.yaml").is_file() for child in _folders(folder))


def read(folder: Path, since: int) -> list[MlflowRun]:
    """The runs that started at *since* (UTC milliseconds) or later and were not deleted, the first one first."""
    runs = []
    for experiment in _folders(folder):
        if experiment.name in _NOT_EXPERIMENTS:
            continue
        name = str(_meta(experiment).get("name") or experiment.name)
        models = _models(experiment)
        for child in _folders(experiment):
            # Most of an old store is older than our run: a look at the clock of its file is cheaper than reading it.
            if (
                _changed(child / "meta.yaml") >= since
                and (run := _run(child, name, models))
                and run.start_time >= since
            ):
                runs.append(run)
    return sorted(runs, key=lambda run: run.start_time)


def _run(folder: Path, experiment_name: str, models: Mapping[str, list[LoggedModel]]) -> MlflowRun | None:
    meta = _meta(folder)
    run_id = str(meta.get("run_id") or meta.get("run_uuid") or "")
    if run_id != folder.name or meta.get("lifecycle_stage", "active") != "active":
        return None
    tags = _pairs(folder / "tags")
    return MlflowRun(
        run_id=run_id,
        name=str(meta.get("run_name") or meta.get("name") or tags.get("mlflow.runName", "")),
        experiment_name=experiment_name,
        status=to_status(meta.get("status")),
        start_time=to_moment(meta.get("start_time")),
        end_time=to_moment(meta["end_time"]) if meta.get("end_time") else None,
        artifact_uri=_artifacts(folder, meta.get("artifact_uri")),
        params=_pairs(folder / "params"),
        tags=tags,
        metrics=lambda: _metrics(folder / "metrics"),
        models=tuple(models.get(run_id, ())),
    )


def _models(experiment: Path) -> dict[str, list[LoggedModel]]:
    """The models of MLflow 3 by the run that logged them."""
    found: dict[str, list[LoggedModel]] = {}
    for folder in _folders(experiment / "models"):
        meta = _meta(folder)
        if meta.get("name"):
            model = LoggedModel(str(meta["name"]), _artifacts(folder, meta.get("artifact_location")))
            found.setdefault(str(meta.get("source_run_id")), []).append(model)
    return found


def _artifacts(folder: Path, recorded: object) -> str:
    """Where the files of a run or model are: beside what describes it when the store was moved or copied and still
    tells its old place."""
    beside = folder / "artifacts"
    place = local_path(str(recorded or ""), folder)
    if not recorded or (place is not None and not place.is_dir() and beside.is_dir()):
        return beside.as_uri()
    return str(recorded)


def _pairs(folder: Path) -> dict[str, str]:
    """File names and contents; a key with a slash is a file in a folder."""
    return {key: file.read_bytes()[:_LARGEST_VALUE].decode("utf-8", "backslashreplace") for key, file in _files(folder)}


def _metrics(folder: Path) -> Iterator[Metric]:
    """Points of lines ``timestamp value [step]``; a line that a killed client left half-written is no point."""
    for key, file in _files(folder):
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                try:
                    timestamp, value, *step = line.split()[:3]
                    yield Metric(key, float(value), to_moment(int(timestamp)), int(step[0]) if step else 0)
                except ValueError:
                    continue


def _meta(folder: Path) -> Mapping[str, Any]:
    import yaml

    try:
        with plain_file.opened(folder / "meta.yaml") as stream:
            text = stream.read(_LARGEST_META)
        found = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  # both are safe loaders
    except (OSError, yaml.YAMLError, ValueError, RecursionError):  # a date of no calendar; lists in lists in lists
        return {}
    return found if isinstance(found, dict) else {}


def _changed(file: Path) -> int:
    try:
        return file.lstat().st_mtime_ns // 1_000_000
    except OSError:
        return -1


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(child for child in folder.iterdir() if child.is_dir() and not child.is_symlink())
    except OSError:
        return []


def _files(folder: Path, prefix: str = "") -> Iterator[tuple[str, Path]]:
    if not folder.is_dir() or folder.is_symlink():
        return
    for child in sorted(folder.iterdir()):
        if child.is_symlink():
            continue
        if child.is_dir():
            yield from _files(child, f"{prefix}{child.name}/")
        elif child.is_file():
            yield prefix + child.name, child
