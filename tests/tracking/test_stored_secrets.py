"""No address with credentials is in the database, whatever it was given for."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from mlproj import tracking
from mlproj.foundation import paths
from mlproj.tracking.base import DatasetInput, Metric, NewRun

SECRET = "s3cr3tw0rd"
URL = f"https://me:{SECRET}@host/x?token={SECRET}"


def test_every_text_that_a_store_is_given_loses_its_credentials(tmp_path: Path) -> None:
    with closing(tracking.open()) as store:
        experiment = store.create_experiment(f"e {URL}", tags={URL: URL})
        run = store.create_run(
            NewRun(
                experiment_id=experiment.experiment_id, run_name=URL, params={URL: URL}, tags={URL: URL}, command=URL
            )
        )
        store.log(run.run_id, metrics=[Metric(URL, 1.0, 0)], tags={"t": URL}, params={"p": URL})
        store.log_inputs(run.run_id, [DatasetInput("d", "1", URL, URL, URL, URL, {URL: URL})])
        assert store.get_experiment(name=f"e {URL}").experiment_id == experiment.experiment_id, (
            "found by the name it was given"
        )

    with closing(sqlite3.connect(paths.database())) as database:
        assert SECRET not in "\n".join(database.iterdump())
