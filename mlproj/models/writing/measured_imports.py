"""Run in a fresh process: loads a model, asks it its example, and says what got imported and what it answered.

Arguments: the folder of the model, its description as JSON, the example (pickled by the program that saves the model),
and the file for the report.
"""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any


def main(spec_file: str, example_file: str, report_file: str) -> None:
    """Write the report: ``modules`` (name → file), and ``outputs`` (the schema of the answer) where there is one."""
    before = set(sys.modules)
    report: dict[str, Any] = {}
    try:
        report.update(_asked(json.loads(Path(spec_file).read_text()), Path(example_file)))
    except Exception as error:  # whatever the model's code raises is what is to be told
        report["error"] = f"{type(error).__name__}: {error}"
    report["modules"] = {
        name: file
        for name, module in list(sys.modules.items())
        if name not in before and (file := getattr(module, "__file__", None))
    }
    Path(report_file).write_text(json.dumps(report))


def _asked(spec: dict[str, Any], example: Path) -> dict[str, Any]:
    from mlproj.models.scorer import loading

    predictor = loading.load(spec)
    if not example.exists():
        return {}
    from mlproj.models.scorer import enforcement, schema
    from mlproj.models.writing import inference

    data, params = pickle.loads(example.read_bytes())  # noqa: S301  # the program that asks wrote it
    inputs = schema.parse_signature(spec["mlmodel"]).inputs
    try:
        given = data if inputs is None else enforcement.enforce(inputs, data)
        return {"outputs": inference.infer_schema(predictor.predict(given, params))}
    except Exception as error:
        return {"refused": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    main(*sys.argv[1:])
