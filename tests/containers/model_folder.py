"""A model that any Python loads: its code is its own, and it needs no package."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

from tests.containers.base_image import PYTHON

_CODE = """\
import importlib.util, os, sys

class Greeter:
    def __init__(self, word):
        self.word = word

    def predict(self, data):
        seen = [name for name in ("starlette", "uvicorn", "click", "mlproj", "pip") if importlib.util.find_spec(name)]
        return {"said": f"{self.word} {data['prompt']}", "user": os.getuid(), "sees": seen}

def _load_pyfunc(path):
    with open(path) as file:
        return Greeter(file.read().strip())
"""
_MLMODEL = """\
flavors:
  python_function: {loader_module: greeter, code: code, data: word.txt, env: {virtualenv: python_env.yaml}}
mlflow_version: 3.17.2
utc_time_created: '2024-05-06 07:08:09.123456'
"""


def greeter(folder: Path, word: str, *, code: str = _CODE) -> Path:
    """A model that greets with *word*; asked with ``{"prompt": NAME}``."""
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "greeter.py").write_text(code)
    (folder / "word.txt").write_text(f"{word}\n")
    (folder / "MLmodel").write_text(_MLMODEL)
    (folder / "python_env.yaml").write_text(f"python: '{PYTHON}'\ndependencies: []\n")
    return folder


def answer(url: str, prompt: str = "you") -> Any:
    """What the model that is served at *url* says."""
    request = urllib.request.Request(
        f"{url}/invocations", json.dumps({"prompt": prompt}).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)
