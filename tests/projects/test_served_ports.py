"""Ports that a project's own programs listen at, read from what its command can reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlproj.projects.served_ports import served

PORTS = (5000, 8080)


def written(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_py", ".py").replace("_sh", ".sh")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("mlflow server --port 5000 & python train.py", {5000}),
        ("mlflow ui & python train.py", {5000}),  # its default
        ("mlflow server -h 0.0.0.0 -p 8080 &", {8080}),
        ("gunicorn -b 127.0.0.1:8080 app:app &", {8080}),
        ("python -m http.server 8080 &", {8080}),
        ("mlflow server --port $PORT &", {5000, 8080}),  # any of them
        ("mlflow server --port 9999 &", set()),
        ("python train.py --port 5000", set()),  # says nothing of a server
        ("echo mlflow server --port 5000", set()),
        ("# mlflow server --port 5000", set()),
    ],
)
def test_a_server_that_the_command_starts_is_found(tmp_path: Path, command: str, expected: set[int]) -> None:
    found = served(tmp_path, command, PORTS)
    assert set(found) == expected and set(found.values()) <= {"the command"}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import subprocess\nsubprocess.Popen(['mlflow', 'server', '--port', '5000'])\n", {5000}),
        ("import subprocess\nwords = ['mlflow', 'ui', '-p', '8080']\nsubprocess.run(words)\n", {8080}),
        ("import os\nos.system('mlflow server --port 8080 &')\n", {8080}),
        ("from http.server import HTTPServer\nHTTPServer(('127.0.0.1', 8080), None)\n", {8080}),
        ("import uvicorn\nuvicorn.run('app:app', port=5000)\n", {5000}),
        ("app.run()\n", {5000}),  # Flask's default
        ("app.run(port=8080)\n", {8080}),
        ("mlflow.set_tracking_uri('http://localhost:5000')\n", set()),
        ("train.run(5)\n", set()),
        ("def broken(:\n", set()),
    ],
)
def test_a_server_that_a_program_starts_is_found(tmp_path: Path, code: str, expected: set[int]) -> None:
    written(tmp_path, train_py=code)
    found = served(tmp_path, "python train.py", PORTS)
    assert set(found) == expected and all(place.startswith("train.py:") for place in found.values())


def test_only_what_the_command_can_reach_counts(tmp_path: Path) -> None:
    server = "import uvicorn\nuvicorn.run('app', port={port})\n"
    written(
        tmp_path,
        train_py="from lib import serve\nimport missing\n",
        lib__serve_py="from . import deep\n",
        lib__deep_py=server.format(port=5000),
        unused_py=server.format(port=8080),
        run_sh="mlflow server --port 8080\n",
    )
    assert served(tmp_path, "python train.py", PORTS) == {5000: "lib/deep.py:2"}
    assert served(tmp_path, "python -m lib.serve", PORTS) == {5000: "lib/deep.py:2"}
    assert served(tmp_path, "bash run.sh", PORTS) == {8080: "run.sh:1"}


def test_modules_that_import_each_other_are_read_once(tmp_path: Path) -> None:
    written(tmp_path, a_py="import b\n", b_py="import a\nimport uvicorn\nuvicorn.run('app', port=5000)\n")
    assert served(tmp_path, "python a.py", PORTS) == {5000: "b.py:3"}


def test_a_project_without_files_serves_nothing(tmp_path: Path) -> None:
    assert served(tmp_path, "python train.py", PORTS) == {}
