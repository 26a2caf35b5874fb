"""A model behind `mlproj models serve`, as a process, and a client that sends bytes as they are."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.program import start

JSON = "application/json"
COLUMNS = [
    {"type": "double", "name": "a", "required": True},
    {"type": "long", "name": "b", "required": True},
    {"type": "string", "name": "word", "required": False},
]

CODE = """
import os, time


class Model:
    def predict(self, data, params=None):
        first = data["word"].iloc[0] if "word" in data else ""
        if str(first).startswith("sleep "):
            time.sleep(float(first[6:]))
        if first == "die":
            os.kill(os.getpid(), 9)
        if first == "pid":
            return [os.getpid()] * len(data)
        if first == "refuse":
            raise ValueError("the model refuses this")
        return (data["a"] * FACTOR + data["b"]).tolist()


def _load_pyfunc(path):
    return Model()
"""


def table_model(folder: Path, factor: float = 2, code: str = CODE, **keys: Any) -> Path:
    """A model with a signature, of the tests' own code: `a * factor + b`; its texts make it do other things."""
    (folder / "code").mkdir(parents=True)
    (folder / "code" / f"table_model_{factor}.py").write_text(f"FACTOR = {factor!r}\n{code}")
    flavors = {"python_function": {"loader_module": f"table_model_{factor}", "code": "code"}}
    signature = {"inputs": json.dumps(COLUMNS), "outputs": json.dumps([{"type": "double"}]), "params": None}
    document = {
        "flavors": flavors,
        "signature": signature,
        "saved_input_example_info": {
            "artifact_path": "input_example.json",
            "serving_input_path": "serving_input_example.json",
            "type": "dataframe",
            "pandas_orient": "split",
        },
        **keys,
    }
    (folder / "MLmodel").write_text(json.dumps(document))
    (folder / "requirements.txt").write_text("")
    example = {"columns": ["a", "b", "word"], "data": [[1.5, 2, "x"]]}
    (folder / "input_example.json").write_text(json.dumps(example))
    (folder / "serving_input_example.json").write_text(json.dumps({"dataframe_split": example}))
    return folder


def rows(*values: list[Any]) -> bytes:
    """A body: each of *values* is `[a, b]` or `[a, b, word]`."""
    columns = ["a", "b", "word"][: len(values[0])]
    return json.dumps({"dataframe_split": {"columns": columns, "data": list(values)}}).encode()


class Response(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


class Server(NamedTuple):
    process: subprocess.Popen[bytes]
    host: str
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def connect(self, timeout: float = 60) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout)

    def send(self, content: bytes) -> Response:
        """The answer to these bytes, on a connection of their own."""
        with self.connect() as connection:
            connection.sendall(content)
            with connection.makefile("rb") as stream:
                return read(stream)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Response:
        return self.send(request(method, path, body, host=f"{self.host}:{self.port}", **headers))

    def score(self, body: bytes, kind: str = JSON, **headers: str) -> Response:
        return self.ask("POST", "/invocations", body, content_type=kind, **headers)


def request(method: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    if body is not None and "content_length" not in headers:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


def read(stream: Any) -> Response:
    """The next answer of a connection; status 0 when it was closed without one."""
    line = stream.readline()
    if not line:
        return Response(0, {}, b"")
    headers = {}
    while (header := stream.readline().strip()) != b"":
        name, _, value = header.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return Response(int(line.split()[1]), headers, stream.read(int(headers.get("content-length", 0))))


@contextmanager
def served(model: Path | str, log: Path, *arguments: str, env: dict[str, str] | None = None) -> Iterator[Server]:
    """`mlproj models serve`, until the block ends; it must then end by itself with SIGTERM."""
    with log.open("wb") as stderr:
        command = ("models", "serve", str(model), "--env-manager", "local", "--port", "0", *arguments)
        process = start(*command, stderr=stderr, env=env)
        try:
            assert process.stdout is not None
            line = process.stdout.readline().decode()
            found = re.search(r"http://([\d.]+):(\d+)", line)
            assert found, (line, log.read_text())
            host = "127.0.0.1" if found[1] == "0.0.0.0" else found[1]
            yield Server(process, host, int(found[2]), log)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0, log.read_text()
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return (
        Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z" if Path("/proc").is_dir() else True
    )
