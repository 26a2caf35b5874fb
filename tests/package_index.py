"""A real package index for tests: tiny wheels made here, served over HTTP with upload times (PEP 658, 691, 700)."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SEEDS = ("pip", "setuptools", "wheel")
_SIMPLE = "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True)
class Release:
    """One wheel: what is in it, and when it was uploaded (ISO, UTC). ``modules`` maps file names to their text."""

    name: str
    version: str
    uploaded: str | None = "2015-01-01T00:00:00Z"
    requires: Sequence[str] = ()
    tag: str = "py3-none-any"
    modules: dict[str, str] = field(default_factory=dict)
    scripts: Sequence[str] = ()
    requires_python: str | None = None

    @property
    def filename(self) -> str:
        return f"{self.name.replace('-', '_')}-{self.version}-{self.tag}.whl"

    @property
    def metadata(self) -> str:
        lines = [f"Metadata-Version: 2.1\nName: {self.name}\nVersion: {self.version}"]
        return "\n".join([*lines, *(f"Requires-Dist: {requirement}" for requirement in self.requires)]) + "\n"

    def wheel(self) -> bytes:
        """The bytes of the wheel, always the same."""
        info = f"{self.name.replace('-', '_')}-{self.version}.dist-info"
        files = {self.name.replace("-", "_") + ".py": f"__version__ = {self.version!r}\n", **self.modules}
        files[f"{info}/METADATA"] = self.metadata
        files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {self.tag}\n"
        if self.scripts:
            files[f"{info}/entry_points.txt"] = "[console_scripts]\n" + "\n".join(self.scripts) + "\n"
        record = "".join(f"{name},sha256={_record_digest(text)},{len(text.encode())}\n" for name, text in files.items())
        files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for name, text in files.items():
                archive.writestr(zipfile.ZipInfo(name, (2015, 1, 1, 0, 0, 0)), text)
        return content.getvalue()


def _record_digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


class Index:
    """A running index. ``requests`` are the paths that were asked for; ``pause`` holds back files while it is set."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[str] = []
        self.files: dict[str, bytes] = {}
        self.released = threading.Event()
        self.released.set()
        self.asked_for_file = threading.Event()
        self._projects: dict[str, list[dict[str, object]]] = {}
        for seed in SEEDS:
            self.add(Release(seed, "40.0"))

    def add(self, *releases: Release) -> None:
        """Publish *releases*."""
        for release in releases:
            content = release.wheel()
            self.files[release.filename] = content
            self.files[f"{release.filename}.metadata"] = release.metadata.encode()
            self._projects.setdefault(release.name, []).append(
                {
                    "filename": release.filename,
                    "url": f"/files/{release.filename}",
                    "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
                    **({"upload-time": release.uploaded} if release.uploaded else {}),
                    "size": len(content),
                    "core-metadata": True,
                    **({"requires-python": release.requires_python} if release.requires_python else {}),
                }
            )

    def page(self, name: str) -> bytes | None:
        """The index page of one project."""
        files = self._projects.get(name)
        if files is None:
            return None
        return json.dumps({"meta": {"api-version": "1.1"}, "name": name, "files": files, "versions": []}).encode()


@contextmanager
def serve() -> Iterator[Index]:
    """An index on a loopback port, with pip, setuptools and wheel (empty ones) in it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    index = Index(f"http://127.0.0.1:{server.server_address[1]}/simple")
    server.index = index  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield index
    finally:
        index.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        index: Index = self.server.index  # type: ignore[attr-defined]
        index.requests.append(self.path)
        kind, _, name = self.path.strip("/").partition("/")
        if kind == "files" and name.endswith(".metadata"):
            self._answer(index.files.get(name), "application/octet-stream")
        elif kind == "files":
            index.asked_for_file.set()
            index.released.wait(60)
            self._answer(index.files.get(name), "application/octet-stream")
        else:
            self._answer(index.page(name), _SIMPLE)

    def _answer(self, content: bytes | None, kind: str) -> None:
        self.send_response(200 if content is not None else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, format: str, *args: object) -> None:
        pass
