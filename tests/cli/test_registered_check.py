"""``mlproj check`` and the models that a project's code loads by ``models:/``."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from mlproj import tracking
from mlproj.cli import registered_check
from mlproj.foundation import paths
from mlproj.server.app import Principal, Settings, create_app
from tests.cli.conftest import Cli
from tests.program import project
from tests.server.conftest import served

MODELS = ("wine", "wine/1", "wine/2", "wine@champion", "wine@best", "wine/latest", "wine/Production", "beer/1")
MISSING = [
    (4, "'wine' has no version or stage '2' in {store}"),
    (6, "'wine' has no alias 'best' in {store}"),
    (8, "'wine' has no version or stage 'Production' in {store}"),
    (9, "'beer' is not registered in {store}"),
]


def loading(folder: Path) -> Path:
    code = "import mlflow\n" + "".join(f"mlflow.pyfunc.load_model('models:/{one}')\n" for one in MODELS)
    text = "entry_points: {main: {command: python a.py}}\n"
    return project(folder, text, a__py=code, requirements__txt="mlflow\n")


def told(cli: Cli, folder: Path, *options: str) -> list[tuple[int, str]]:
    warnings = cli("check", folder, "--json", *options).document["warnings"]
    beginning = "the code loads a registered model: "
    return [
        (one["line"], one["message"].removeprefix(beginning))
        for one in warnings
        if one["message"].startswith(beginning)
    ]


def registered(uri: str | None = None) -> None:
    with closing(tracking.open_models(uri)) as store:
        store.create_registered_model("wine")
        store.create_version("wine", "s3://bucket/model")
        store.set_alias("wine", "champion", 1)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    uri = f"sqlite:///{folder}/runs.db"
    registered(uri)
    with closing(tracking.open(uri)) as kept, closing(tracking.open_models(uri)) as models:
        everybody = Principal(kept, models)
        application: Any = create_app(Settings(lambda _request: everybody, folder / "artifacts"))
        with served(application) as found:
            yield found


def test_models_that_this_machine_has_are_not_told_and_others_are(cli: Cli, tmp_path: Path) -> None:
    registered()

    found = told(cli, loading(tmp_path / "p"), "--offline")

    assert found == [(line, text.format(store="this machine's store")) for line, text in MISSING]


def test_a_version_that_no_registry_can_have_is_missing(cli: Cli, tmp_path: Path) -> None:
    registered()
    code = "".join(f"load('models:/{one}')\n" for one in ("wine/\u00b2", f"wine/{'9' * 5000}", "wine/newest"))
    folder = project(tmp_path / "p", "entry_points: {main: {command: python a.py}}\n", a__py=code)

    assert [line for line, _ in told(cli, folder)] == [1, 2, 3]


def test_no_store_is_made_to_look_into(cli: Cli, tmp_path: Path) -> None:
    found = told(cli, loading(tmp_path / "p"))

    assert found[0] == (2, "models:/wine is not registered here, where nothing is recorded yet")
    assert not paths.database().exists()


def test_a_server_that_is_named_is_asked_unless_offline(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path) as address:
        monkeypatch.setenv("MLPROJ_TRACKING_URI", address)

        assert told(cli, loading(tmp_path / "p")) == [(line, text.format(store=address)) for line, text in MISSING]
        assert len(told(cli, loading(tmp_path / "p"), "--offline")) == len(MODELS)


def test_a_server_that_does_not_answer_is_not_waited_for(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registered_check, "_PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MLPROJ_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        found = told(cli, loading(tmp_path / "p"))

    assert time.monotonic() - began < 10
    assert found[0] == (2, "models:/wine may not be registered where the run is recorded")
