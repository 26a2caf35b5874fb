"""Asked the same, our scorer and MLflow's own scoring server answer the same, byte for byte."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.models.scorer import mlflow_answers, workers
from tests.models.scorer.conftest import SETTLED
from tests.models.scorer.model_folder import write_model
from tests.models.scorer.request_table import KIND, MORE, PARQUET, SIGNATURES, Case, cases

pytestmark = [pytest.mark.needs("index"), pytest.mark.needs("old-python"), pytest.mark.timeout(600)]


class Asked(NamedTuple):
    case: Case
    body: bytes
    answer: workers.Answer


@pytest.fixture(scope="session")
def specs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("models")
    return {
        name: write_model(folder / name.replace(" ", "_"), KIND.get(name, "seen"), signature, **MORE.get(name, {}))
        for name, signature in SIGNATURES.items()
    }


@pytest.fixture(scope="session")
def asked(
    mlflow_python: Path, specs: Mapping[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, list[Asked]]:
    """The table with MLflow's answers, by model."""
    folder = tmp_path_factory.mktemp("asked")
    table = cases()
    requests = [{"model": specs[one.model]["folder"], "type": one.type, "body": _sent(one.body)} for one in table]
    (folder / "requests.json").write_text(json.dumps(requests))
    command = [mlflow_python, mlflow_answers.__file__, folder / "requests.json", folder / "answers.json"]
    subprocess.run(command, check=True, cwd=folder, env={**os.environ, **SETTLED})
    found: dict[str, list[Asked]] = {}
    for case, answer in zip(table, json.loads((folder / "answers.json").read_text()), strict=True):
        theirs = (answer["status"], answer["type"], base64.b64decode(answer["body"]))
        found.setdefault(case.model, []).append(Asked(case, base64.b64decode(answer["asked"]), theirs))
    return found


def _sent(body: bytes | dict[str, Any]) -> str | dict[str, Any]:
    return base64.b64encode(body).decode() if isinstance(body, bytes) else body


@pytest.fixture(scope="session")
def worker(mlflow_python: Path) -> Any:
    with workers.started(mlflow_python, **SETTLED) as started:
        yield started


def comparable(answer: workers.Answer) -> tuple[Any, ...]:
    """Without the stack trace, which is each server's own."""
    status, kind, body = answer
    if b'"stack_trace": ' not in body:
        return answer
    document = json.loads(body)
    assert list(document)[-1] == "stack_trace"
    assert document.pop("stack_trace").startswith("Traceback")
    return status, kind, document


@pytest.mark.parametrize("model", SIGNATURES)
def test_a_request_is_answered_as_by_mlflow(
    model: str, asked: Mapping[str, list[Asked]], specs: Mapping[str, dict[str, Any]], worker: workers.Worker
) -> None:
    assert worker.load(specs[model])["ok"]
    differing = [
        (one.case.name, one.case.type, one.body, one.answer, ours)
        for one in asked[model]
        for ours in worker.ask((one.case.type, one.body))
        if comparable(ours) != comparable(one.answer)
    ]

    assert not differing


def test_the_table_has_requests_of_each_kind_and_outcome(asked: Mapping[str, list[Asked]]) -> None:
    everything = [one for of_model in asked.values() for one in of_model]
    outcomes = {one.answer[0] for one in everything}

    assert outcomes == {200, 400, 404, 415, 500}  # 404 is what a model itself may say
    assert len(everything) > 1000


BOMB = """
import sys
import pyarrow as pa
import pyarrow.parquet

nothing = pa.nulls(8_000_000, pa.int8())
pa.parquet.write_table(pa.table({f"c{n}": nothing for n in range(13)}), sys.argv[1], row_group_size=8_000_000)
"""


def test_a_small_file_of_which_a_huge_table_would_become_is_refused(
    mlflow_python: Path, specs: Mapping[str, dict[str, Any]], worker: workers.Worker, tmp_path: Path
) -> None:
    subprocess.run([mlflow_python, "-c", BOMB, tmp_path / "bomb"], check=True)
    assert worker.load(specs["none"])["ok"]

    ((status, _, body),) = worker.ask((PARQUET, (tmp_path / "bomb").read_bytes()))

    assert status == 400
    assert b"has 104000000 cells" in body
