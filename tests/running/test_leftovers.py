from __future__ import annotations

import os
import time
from pathlib import Path

from mlproj import tracking
from mlproj.foundation import paths
from mlproj.run_folder import liveness
from mlproj.running import leftovers
from mlproj.tracking.base import NewRun


def old_folder(run_id: str, *names: str) -> Path:
    folder = paths.run_dir(run_id)
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text("x")
    past = time.time() - 7200
    os.utime(folder, (past, past))
    return folder


def test_what_killed_processes_left_is_removed_and_nothing_else() -> None:
    store = tracking.open(None)
    run = store.create_run(NewRun(experiment_name="one"))
    half = ".pylock.toml.123-0a1b2c3d"
    recorded = old_folder(run.run_id, "output.log", half, ".hidden")
    never = old_folder("1" * 32, "plan.json", liveness.LOCK, half)
    foreign = old_folder("2" * 32, "plan.json", "output.log")
    held = old_folder("3" * 32, "plan.json", half)
    young = old_folder("4" * 32, "plan.json")
    os.utime(young)

    with liveness.hold(held):
        os.utime(held, (0, 0))
        count = leftovers.remove(store)

    assert count == 2
    assert sorted(file.name for file in recorded.iterdir()) == [".hidden", "output.log"]
    assert not never.exists()
    assert foreign.exists()
    assert (held / half).exists()
    assert young.exists()
    store.close()
