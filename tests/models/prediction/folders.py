"""Model folders of the tests' own code, and workers that have loaded them."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlproj.environments.base import Prepared
from mlproj.foundation.progress import Silent
from mlproj.models.opened import OpenedModel, open_model
from mlproj.models.prediction.prediction import Predicted, predict
from mlproj.models.prediction.request import PredictionRequest, format_of
from mlproj.models.scoring import worker_process
from mlproj.models.scoring.spec import spec_of
from mlproj.models.scoring.worker_process import WorkerProcess

COLUMNS = [{"type": "double", "name": "a", "required": True}, {"type": "long", "name": "b", "required": True}]
SUM = 'return (data["a"] + data["b"]).to_numpy()'


def column(name: str, type: str, required: bool = True, **more: Any) -> dict[str, Any]:
    return {"type": type, "name": name, "required": required, **more}


def code_model(folder: Path, body: str = SUM, inputs: Any = COLUMNS, params: Any = None, rest: str = "") -> Path:
    """A model whose ``predict(self, data, params)`` has this *body*."""
    # A worker that loads one model after the other finds the code of each.
    name = f"model_{hashlib.sha256((body + rest).encode()).hexdigest()[:16]}"
    (folder / "code").mkdir(parents=True)
    lines = "".join(f"        {line}\n" for line in body.splitlines())
    (folder / "code" / f"{name}.py").write_text(
        "import os, time\nimport numpy as np\nimport pandas as pd\n\n\nclass Model:\n"
        f"    def predict(self, data, params=None):\n{lines}\n\n{rest}\ndef _load_pyfunc(path):\n    return Model()\n"
    )
    texts = {"inputs": inputs, "outputs": None, "params": params}
    signature = {key: None if value is None else json.dumps(value) for key, value in texts.items()}
    document = {
        "flavors": {"python_function": {"loader_module": name, "code": "code"}},
        "signature": None if inputs is None and params is None else signature,
    }
    (folder / "MLmodel").write_text(json.dumps(document))
    (folder / "requirements.txt").write_text("")
    return folder


class Asked:
    """A model with its worker."""

    def __init__(self, opened: OpenedModel, worker: WorkerProcess) -> None:
        self.opened = opened
        self.worker = worker
        self.seen: list[int] = []

    def predict(self, source: Path, target: Path, **options: Any) -> Predicted:
        request = PredictionRequest(
            str(source),
            str(target),
            options.pop("input_format", None) or format_of(str(source), None, "--format"),
            format_of(str(target), None, "--output-format"),
            **options,
        )
        return predict(self.worker, request, self.opened.file.signature, self.seen.append)


@contextmanager
def worker(folder: Path, python: Path | None = None) -> Iterator[WorkerProcess]:
    """A worker of this Python, or of the one in the folder *python*, that runs in *folder*."""
    prepared = Prepared(path=(python or Path(sys.executable).parent,))
    with worker_process.start(prepared, cwd=folder) as started:
        yield started


def loaded(process: WorkerProcess, folder: Path) -> Asked:
    """The model in *folder*, loaded by a worker in place of what it had."""
    with open_model(str(folder), Silent()) as opened:
        process.load(spec_of(opened))
        return Asked(opened, process)
