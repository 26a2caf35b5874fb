"""A server that is given an alias serves the version that it stands for, also when it moves."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from mlproj import tracking
from mlproj.tracking.base import NewRun
from tests.models.serving.served import CODE, Server, rows, served, table_model


def registered(*models: tuple[float, str]) -> None:
    """Versions of Prices, each with a factor and code; the first is live."""
    runs, registry = tracking.open(), tracking.open_models()
    try:
        registry.create_registered_model("Prices")
        for factor, code in models:
            run = runs.create_run(NewRun(run_name="trained"))
            table_model(Path(unquote(urlsplit(run.artifact_uri).path)) / "model", factor, code)
            registry.create_version("Prices", f"runs:/{run.run_id}/model", run_id=run.run_id)
        registry.set_alias("Prices", "live", 1)
    finally:
        runs.close()
        registry.close()


def move(version: int) -> None:
    models = tracking.open_models()
    models.set_alias("Prices", "live", version)
    models.close()


def until_version(server: Server, version: str) -> None:
    deadline = time.monotonic() + 60
    while server.ask("GET", "/model.json").document["version"] != version:
        assert time.monotonic() < deadline, server.log.read_text()
        time.sleep(0.05)


def test_an_alias_is_followed_without_a_failed_request(tmp_path: Path) -> None:
    registered((2, CODE), (3, CODE), (9, "raise ValueError('not today')\n"))
    with served("models:/Prices@live", tmp_path / "log", "--follow", "0.2s") as server:
        answers: list[Any] = []
        stop = threading.Event()

        def keep_asking() -> None:
            while not stop.is_set():
                answers.append(server.score(rows([1, 0])))

        threads = [threading.Thread(target=keep_asking) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        move(2)
        until_version(server, "2")
        time.sleep(0.3)
        stop.set()
        for thread in threads:
            thread.join()
        assert {answer.status for answer in answers} == {200}
        found = [answer.document["predictions"] for answer in answers]
        assert {tuple(one) for one in found} == {(2.0,), (3.0,)}
        assert found[-1] == [3.0]
        assert server.ask("GET", "/v2/models/Prices").document["versions"] == ["2"]
        metrics = server.ask("GET", "/metrics").body.decode()
        assert "mlproj_model_replacements_total 1.0" in metrics
        assert 'version="2"' in metrics

        move(3)
        deadline = time.monotonic() + 60
        while "not served" not in server.log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(1)
        assert server.score(rows([1, 0])).document["predictions"] == [3.0]
        log = server.log.read_text()
        assert log.count("models:/Prices/3 is not served") == 1
        assert "not today" in log
        assert "Prices version 2 goes on answering" in log.replace("\n", " ")
        move(1)
        until_version(server, "1")
        assert server.score(rows([1, 0])).document["predictions"] == [2.0]


def test_a_version_with_a_number_stays(tmp_path: Path) -> None:
    registered((2, CODE), (3, CODE))
    with served("models:/Prices/1", tmp_path / "log", "--follow", "0.1s") as server:
        move(2)
        time.sleep(0.5)
        assert server.ask("GET", "/model.json").document["version"] == "1"
