from __future__ import annotations

from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from mlproj import tracking
from mlproj.foundation import paths
from mlproj.foundation.tree_digest import SNAPSHOT, folder_digest
from mlproj.run_folder import outputs
from mlproj.tracking.base import Metric, NewRun, Output, Run, RunChanges, Status
from tests.cli.conftest import cli as cli

MODEL = "9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4"
"""SHA-256 of ``model``."""


@pytest.fixture
def run() -> Run:
    """A run that is over, with an output, another artifact, a lock and a log."""
    return recorded("one")


def recorded(name: str) -> Run:
    with closing(tracking.open()) as store:
        created = store.create_run(
            NewRun(
                run_name=name,
                entry_point="main",
                command="python train.py",
                params={"alpha": "0.5", "api_key": "****"},
                source={"uri": "https://example.org/p.git", "commit": "0123456789" * 4, "kind": "git"},
                environment={"kind": "python", "lock": "pylock.toml"},
                inputs=[{"parameter": "data", "uri": "data.csv", "sha256": "ab" * 32, "size": 3}],
                start_time=1_700_000_000_000,
            )
        )
        copy = paths.run_dir(created.run_id) / paths.PROJECT
        paths.write_atomic(copy / "t.py", "print('hello')\n")
        store.update_run(created.run_id, RunChanges(source={**(created.source or {}), SNAPSHOT: folder_digest(copy)}))
        folder = artifacts_of(created)
        (folder / outputs.FOLDER).mkdir(parents=True)
        (folder / outputs.FOLDER / "model.txt").write_text("model")
        (folder / "plot.png").write_text("plot")
        paths.write_atomic(paths.run_dir(created.run_id) / "pylock.toml", "lock-version = '1.0'\n")
        paths.write_atomic(paths.run_dir(created.run_id) / "output.log", "hello\n")
        store.log(created.run_id, metrics=[Metric("rmse", 0.25, 0), Metric("loss", float("nan"), 0)])
        kept = [Output("model.txt", MODEL, 5), Output("huge.bin", "cd" * 32, 10**12, kept=False)]
        store.update_run(
            created.run_id, RunChanges(status=Status.FINISHED, exit_code=0, end_time=1_700_000_001_000, outputs=kept)
        )
        return store.get_run(created.run_id)


def artifacts_of(run: Run) -> Path:
    return Path(unquote(urlsplit(run.artifact_uri).path))


def statement_of(run: Run) -> Path:
    return paths.run_dir(run.run_id) / "statement.intoto.jsonl"
