"""What a served model was asked is kept, if that is wanted."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path

import pytest

from mlproj.foundation.errors import ServiceError
from mlproj.foundation.progress import Silent
from mlproj.models.serving.recording import Exchange, Recorder, Recording, line
from tests.models.serving.served import JSON, rows, served, table_model


def exchange(request: bytes = b"{}", answer: bytes = b'{"predictions": [1]}') -> Exchange:
    return Exchange(1_700_000_000.5, "/invocations", JSON, request, 200, JSON, answer, 0.01, "m", "3")


def recorded(folder: Path) -> list[dict[str, object]]:
    files = sorted(folder.glob("*.jsonl"))
    return [json.loads(one) for file in files for one in file.read_text().splitlines()]


def test_requests_and_answers_are_kept_and_tokens_are_not(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    secret = {"MY_API_TOKEN": "abcdefghijklmnop"}
    model = table_model(tmp_path / "m")
    with served(model, tmp_path / "log", "--record-to", str(folder), env=secret) as server:
        server.score(rows([1.5, 2]), authorization="Bearer mlproj_0123456789012345678901234567890")
        server.score(rows([1.5, 2, "abcdefghijklmnop"]))
        server.score(b"\xff\xfe")
        inputs = [{"name": name, "datatype": "FP64", "shape": [1], "data": [1]} for name in "ab"]
        server.ask("POST", "/v2/models/m/infer", json.dumps({"inputs": inputs}).encode())
        deadline = time.monotonic() + 10
        while b"mlproj_model_recorded_total 4.0" not in server.ask("GET", "/metrics").body:
            assert time.monotonic() < deadline
    first, second, third, fourth = recorded(folder)
    assert (first["route"], first["type"], first["status"], first["model"]) == ("/invocations", JSON, 200, "m")
    assert first["request"] == {"dataframe_split": {"columns": ["a", "b"], "data": [[1.5, 2]]}}
    assert first["answer"] == {"predictions": [5.0]}
    assert "abcdefghijklmnop" not in json.dumps(second)
    assert (third["status"], third["request_base64"]) == (400, "//4=")
    assert fourth["route"] == "/v2/models/infer"
    text = "".join(file.read_text() for file in folder.iterdir())
    assert "mlproj_0123" not in text
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in folder.iterdir())


def test_a_share_of_the_requests_is_kept(tmp_path: Path) -> None:
    recorder = Recorder(Recording(tmp_path, 0.25), Silent())
    wanted = sum(recorder.wants_one for _ in range(4000))
    recorder.close()
    assert 800 < wanted < 1200


def test_files_are_rotated_and_the_oldest_go(tmp_path: Path) -> None:
    recorder = Recorder(Recording(tmp_path, file_size=2000, files=3), Silent())
    for number in range(100):
        recorder.add(exchange(json.dumps({"number": number}).encode()))
    recorder.close()
    files = list(tmp_path.iterdir())
    assert len(files) == 3
    assert all(file.stat().st_size < 3000 for file in files)
    assert recorded(tmp_path)[-1]["request"] == {"number": 99}
    assert recorder.kept == 100


def test_what_comes_too_fast_is_dropped_and_counted(tmp_path: Path) -> None:
    recorder = Recorder(Recording(tmp_path), Silent())
    large = exchange(b" " * (20 << 20))
    for _ in range(5):
        recorder.add(large)
    recorder.close()
    assert recorder.kept + recorder.dropped == 5
    assert recorder.dropped >= 1
    assert recorded(tmp_path)[0]["request_bytes"] == 20 << 20


def test_what_is_no_json_is_a_text_or_base64() -> None:
    assert json.loads(line(exchange(b"a,b\n1,2")))["request"] == "a,b\n1,2"
    assert json.loads(line(exchange(answer=b'{"predictions": [NaN]}')))["answer"] == '{"predictions": [NaN]}'
    assert json.loads(line(exchange(b"\xff")))["request_base64"] == "/w=="


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceError, match="cannot record to"):
        Recorder(Recording(tmp_path / "file" / "x"), Silent())
    assert os.listdir(tmp_path) == ["file"]
