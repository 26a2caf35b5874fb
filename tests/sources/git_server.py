"""Git over http for tests: the real ``git http-backend`` behind Python's own server, with a login and Git LFS where
wanted."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


class GitServer(ThreadingHTTPServer):
    """Serves the repositories below *root* at ``url``; counts what is asked in ``requests``.

    What is in ``contents`` (by SHA-256) it hands out as a Git LFS server; ``answer`` may change what that says of a
    file, and ``sent`` what it sends.

    A request whose path holds *never_answers* sets ``asked`` and gets no answer as long as the server serves.
    """

    daemon_threads = True

    def __init__(self, root: Path, login: str | None = None, never_answers: str | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.never_answers = never_answers
        self.asked = threading.Event()
        self.closing = threading.Event()
        self.root = root
        self.login = login
        self.requests: list[str] = []
        self.contents: dict[str, bytes] = {}
        self.batch: tuple[int, bytes, dict[str, str]] | None = None
        self.answer: Callable[[dict[str, Any]], dict[str, Any]] = lambda usual: usual
        self.sent: Callable[[bytes], Iterable[bytes]] = lambda usual: [usual]

    def server_close(self) -> None:
        self.closing.set()
        super().server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def url_for(self, login: str) -> str:
        return f"http://{login}@127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: GitServer

    def do_GET(self) -> None:
        if self.server.never_answers and self.server.never_answers in self.path:
            self.server.asked.set()
            self.server.closing.wait()
        else:
            self._serve()

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        self.server.requests.append(format % args)

    def _serve(self) -> None:
        body = self._body()
        expected = self.server.login and "Basic " + base64.b64encode(self.server.login.encode()).decode()
        if expected and self.headers.get("Authorization") != expected:
            self._answer(401, b"", {"WWW-Authenticate": 'Basic realm="test"'})
            return
        if "/info/lfs/" in self.path:
            self._serve_lfs(body)
            return
        said = subprocess.run(
            ["git", "http-backend"], env=self._environment(body), input=body, capture_output=True, check=False
        ).stdout
        head, _, content = said.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        self._answer(int(headers.pop("Status", "200").split()[0]), content, headers)

    def _serve_lfs(self, body: bytes) -> None:
        repository, _, wanted = self.path.partition("/info/lfs/")
        if wanted == "objects/batch" and self.server.batch:
            self._answer(*self.server.batch)
            return
        if wanted == "objects/batch":
            objects = [
                self._about(each, f"{self.server.url}{repository}/info/lfs/content/{each['oid']}")
                for each in json.loads(body)["objects"]
            ]
            answer = json.dumps({"transfer": "basic", "objects": objects}).encode()
            self._answer(200, answer, {"Content-Type": "application/vnd.git-lfs+json"})
            return
        content = self.server.contents.get(wanted.removeprefix("content/"))
        if content is None:
            self._answer(404, b"", {})
            return
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):  # who asked may have heard enough
            for portion in self.server.sent(content):
                self.wfile.write(portion)

    def _about(self, asked: dict[str, Any], address: str) -> dict[str, Any]:
        if asked["oid"] in self.server.contents:
            return self.server.answer({**asked, "actions": {"download": {"href": address}}})
        return self.server.answer({**asked, "error": {"code": 404, "message": "Object does not exist"}})

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        portions = []
        while size := int(self.rfile.readline(), 16):
            portions.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(portions)

    def _environment(self, body: bytes) -> dict[str, str]:
        parts = urlsplit(self.path)
        env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("GIT_") or name.startswith("GIT_CONFIG")
        }
        return env | {
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": "127.0.0.1",
        }

    def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[None]:
    """Answer requests to *server* in the background while the block runs."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
