"""The little client of served models, as a command and from Python."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlproj.foundation.errors import ServiceError, UsageError
from mlproj.models.client import Refused, body_of, call
from tests.models.serving.served import Server, rows, served, table_model
from tests.program import mlproj


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("client")
    with served(table_model(folder / "m"), folder / "log") as started:
        yield started


@pytest.mark.parametrize(
    ("data", "predictions"),
    [
        ({"a": 1.5, "b": 2}, [5.0]),
        ([{"a": 1.5, "b": 2}, {"a": 1, "b": 0}], [5.0, 2.0]),
        ({"dataframe_split": {"columns": ["b", "a"], "data": [[2, 1.5]]}}, [5.0]),
        (pd.DataFrame({"a": [1.5], "b": [2], "word": [None]}), [5.0]),
        (rows([1.5, 2]), [5.0]),
    ],
)
def test_rows_of_every_kind_are_asked_from_python(server: Server, data: Any, predictions: list[float]) -> None:
    assert call(server.url, data) == predictions


def test_bodies_are_in_mlflow_s_form() -> None:
    assert body_of([[1, 2]], {"k": 3}) == {"inputs": [[1, 2]], "params": {"k": 3}}
    frame = pd.DataFrame({"a": [1, 2], "t": [pd.Timestamp("2024-01-02"), pd.NaT]})
    assert body_of(frame)["dataframe_split"]["data"][1] == [2, None]


def test_files_of_every_kind_are_asked_by_the_command(server: Server, tmp_path: Path) -> None:
    row = {"a": 1.5, "b": 2}
    (tmp_path / "row.json").write_text(json.dumps(row))
    (tmp_path / "rows.jsonl").write_text(f"{json.dumps(row)}\n\n{json.dumps(row)}\n")
    (tmp_path / "rows.csv").write_text("a,b\n1.5,2\n")
    for name, count in (("row.json", 1), ("rows.jsonl", 2), ("rows.csv", 1)):
        result = mlproj("models", "call", server.url, "-i", tmp_path / name)
        assert (result.code, json.loads(result.out)) == (0, [5.0] * count), result.err
    document = mlproj("models", "call", server.url, "-i", tmp_path / "row.json", "--json").document
    assert document["predictions"] == [5.0]


def test_errors_are_in_words_and_have_a_code(server: Server, tmp_path: Path) -> None:
    (tmp_path / "row.json").write_text('{"a": 1}')
    (tmp_path / "no.json").write_text("{")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    for url, file, code, words in (
        (server.url, "row.json", 2, "missing inputs"),
        (server.url, "no.json", 2, "is no JSON"),
        (server.url, "nowhere.json", 66, "cannot read"),
        (f"http://127.0.0.1:{port}", "row.json", 69, "cannot be reached"),
        (f"{server.url}/elsewhere", "row.json", 2, "is no served model"),
        ("nonsense", "row.json", 2, "no address of a server"),
        ("http://[x", "row.json", 2, "is no URL"),
    ):
        result = mlproj("models", "call", url, "-i", tmp_path / file)
        assert result.code == code, result.err
        assert words in result.err
        assert "Traceback" not in result.err


def test_a_token_comes_from_the_environment_and_is_never_shown(tmp_path: Path) -> None:
    heads: list[bytes] = []

    def answer() -> None:
        connection, _ = listening.accept()
        with connection:
            heads.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n")

    (tmp_path / "row.json").write_text("[1]")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        arguments = ("models", "call", url, "-i", tmp_path / "row.json", "--token-from-env", "MINE")
        result = mlproj(*arguments, env={"MINE": "mlproj_secret_of_mine"})
        thread.join()
    assert b"authorization: bearer mlproj_secret_of_mine" in heads[0].lower()
    assert result.code == 2
    assert "mlproj_secret" not in result.out + result.err
    assert mlproj(*arguments).code == 2


def test_python_tells_mistakes_from_trouble(server: Server) -> None:
    with pytest.raises(Refused) as refused:
        call(server.url, {"a": 1})
    assert refused.value.status == 400
    with pytest.raises(UsageError, match="no word for a value of type object"):
        call(server.url, [object()])
    with pytest.raises(ServiceError, match="within 0.2 seconds"):
        call(server.url, {"a": 1, "b": 1, "word": "sleep 1"}, timeout=0.2)
