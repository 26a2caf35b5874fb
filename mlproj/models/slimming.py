"""An environment with only the packages that predicting imports, found out by a prediction of the model's example."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable
from importlib.metadata import distributions
from pathlib import Path

from mlproj import environments
from mlproj.environments.base import Environment, Prepared
from mlproj.environments.package_name import canonical
from mlproj.environments.python.installer import site_packages
from mlproj.foundation import paths
from mlproj.foundation.dataclass import replace
from mlproj.foundation.errors import MlprojError
from mlproj.foundation.locked import Locked
from mlproj.foundation.progress import Progress
from mlproj.foundation.sha256 import sha256
from mlproj.models import environment
from mlproj.models.environment import EnvironmentOptions
from mlproj.models.mlmodel import NAME
from mlproj.models.opened import OpenedModel
from mlproj.models.scoring import worker_process
from mlproj.models.scoring.example import example_of
from mlproj.models.scoring.spec import spec_of

_PACKAGE = re.compile(r"(?m)^(?=\[\[packages\]\]$)")
_NAME = re.compile(r'(?m)^name = "([^"]+)"$')
_MOST_NAMED = 10


def prepare(
    opened: OpenedModel, whole: Environment, options: EnvironmentOptions, progress: Progress, *, rebuild: bool = False
) -> Prepared:
    """*whole*, the environment of *opened*, ready, without the packages that its example does not need.

    It is the whole one, with a word why, where there is no example, where it is none of Python's packages, and where
    the example fails or gives another answer without them. What was found out is kept in the cache. Raises
    EnvironmentFailure.
    """
    full = whole.prepare(progress, rebuild=rebuild)
    example = example_of(opened)
    if example is None or whole.description.kind != "python" or full.lock is None:
        reason = "the model has no input example" if example is None else "its environment is not of Python packages"
        progress.warn(f"--slim: {reason}, so nothing is left out")
        return full
    kept = _kept_lock(opened, whole, example)
    if not kept.is_file():
        paths.write_atomic(kept, _measured(opened, whole, full, options, example, progress))
    text = kept.read_text("utf-8")
    left_out = sorted(full.packages.keys() - _names(text))
    if not left_out:
        progress.note("--slim: the model needs every package of its environment")
        return full
    more = f" and {len(left_out) - _MOST_NAMED} more" if len(left_out) > _MOST_NAMED else ""
    progress.note(f"--slim: left out, as predicting the example needs none: {', '.join(left_out[:_MOST_NAMED])}{more}")
    return _of_lock(opened, whole, options, kept, progress).prepare(progress, rebuild=rebuild)


def _kept_lock(opened: OpenedModel, whole: Environment, example: bytes) -> Path:
    """Where the lock of the packages that this model needs of this environment is kept."""
    description = (opened.folder / NAME).read_bytes()
    identity = sha256(b"\0".join((str(whole.description.key).encode(), description, example))).hexdigest()
    return paths.cache() / "models" / "slim" / f"{identity[:32]}.toml"


def _measured(
    opened: OpenedModel,
    whole: Environment,
    full: Prepared,
    options: EnvironmentOptions,
    example: bytes,
    progress: Progress,
) -> str:
    """The lock of what the example needs; the whole lock where the example does not do with that."""
    assert full.lock is not None
    lock = full.lock.read_text("utf-8")
    with progress.step("finding out which packages the example needs"):
        answer, files = _predicted(opened, full, example)
        narrowed = _narrowed(lock, _owners(files, full))
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder, "pylock.toml")
        draft.write_text(narrowed, "utf-8")
        try:
            slim = _of_lock(opened, whole, options, draft, progress).prepare(progress)
            if _predicted(opened, slim, example)[0] == answer:
                return narrowed
            reason = "the example is answered otherwise with fewer packages"
        except MlprojError as error:
            reason = f"the example does not do with fewer packages: {error.message}"
    progress.warn(f"--slim: {reason}; nothing is left out")
    return lock


def _predicted(opened: OpenedModel, prepared: Prepared, example: bytes) -> tuple[tuple[int, bytes], list[str]]:
    """What the model answers to its example in an environment, and the files that were loaded for it."""
    with worker_process.start(prepared, cwd=opened.folder, stderr=subprocess.DEVNULL) as worker:
        worker.load(spec_of(opened))
        (answer,) = worker.invoke([("application/json", example)])
        files = worker.ask({"op": "imported"})[0]["files"]
    return (answer.status, answer.body), files


def _of_lock(
    opened: OpenedModel, whole: Environment, options: EnvironmentOptions, lock: Path, progress: Progress
) -> Environment:
    described = whole.description
    locked = Locked(
        of="the packages that predicting needs",
        kind="python",
        manager=described.manager,
        python=described.python,
        as_of=described.as_of,
        lock=lock,
    )
    return environments.resolve(replace(environment.request_of(opened, options), locked=locked), progress)


def _owners(files: Iterable[str], prepared: Prepared) -> frozenset[str]:
    """The packages that *files* belong to, by what each package says that it installed."""
    packages = site_packages(prepared.path[0].parent)
    top = os.path.realpath(packages)
    loaded = {os.path.relpath(file, top) for file in map(os.path.realpath, files) if file.startswith(top + os.sep)}
    return frozenset(
        canonical(str(one.metadata["Name"]))
        for one in distributions(path=[str(packages)])
        if any(str(file) in loaded for file in one.files or ())
    )


def _narrowed(lock: str, names: frozenset[str]) -> str:
    """*lock* with the packages *names* only."""
    head, *entries = _PACKAGE.split(lock)
    return head + "".join(entry for entry in entries if _names(entry) <= names)


def _names(lock: str) -> set[str]:
    return {canonical(name) for name in _NAME.findall(lock)}
