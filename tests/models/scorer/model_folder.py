"""Model folders for the tests, in MLflow's format, with a loader of their own; and what a worker is told of one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

CODE = Path(__file__).with_name("seen_model.py")


def write_model(folder: Path, kind: str, signature: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    """The specification of a model written to *folder*; *signature* has inputs, outputs, params as lists,
    *more* further keys of the MLmodel file, and files to write, as JSON."""
    files = more.pop("files", {})
    document: dict[str, Any] = {
        "flavors": {
            "python_function": {"loader_module": CODE.stem, "data": "kind.json", "code": "code", "env": {}},
        },
        "mlflow_version": "3.17.2",
        "model_uuid": "0" * 32,
        "utc_time_created": "2026-01-02 03:04:05.000006",
        **more,
    }
    if signature is not None:
        parts = ("inputs", "outputs", "params")
        document["signature"] = {part: json.dumps(signature[part]) if part in signature else None for part in parts}
    (folder / "code").mkdir(parents=True)
    shutil.copy(CODE, folder / "code")
    (folder / "kind.json").write_text(json.dumps(kind))
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    (folder / "MLmodel").write_text(json.dumps(document))  # which is YAML
    return {"folder": str(folder), "mlmodel": document, "options": {}}
