"""Model folders for tests, written by hand: what MLflow writes, with nothing in it that needs a library."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

COLUMNS = [
    {"type": "double", "name": "a", "required": True},
    {"type": "long", "name": "b", "required": False},
]


def model(
    folder: Path,
    *,
    pickled: Any = (1, 2),
    signature: Any = None,
    requirements: str | None = "tiny==1\n",
    text: str | None = None,
    **keys: Any,
) -> Path:
    """A model folder of the sklearn flavor; *keys* are further keys of ``MLmodel``, *text* is the whole of it."""
    folder.mkdir(parents=True, exist_ok=True)
    content = pickled if isinstance(pickled, bytes) else pickle.dumps(pickled)
    (folder / "model.pkl").write_bytes(content)
    document = {
        "flavors": {
            "python_function": {
                "loader_module": "mlflow.sklearn",
                "model_path": "model.pkl",
                "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
            },
            "sklearn": {"pickled_model": "model.pkl", "sklearn_version": "1.5.0"},
        },
        "mlflow_version": "3.17.2",
        "utc_time_created": "2024-05-06 07:08:09.123456",
        "signature": {"inputs": json.dumps(COLUMNS), "outputs": None, "params": None}
        if signature is None
        else signature,
        **keys,
    }
    (folder / "MLmodel").write_text(json.dumps(document) if text is None else text)
    if requirements is not None:
        (folder / "requirements.txt").write_text(requirements)
    return folder
