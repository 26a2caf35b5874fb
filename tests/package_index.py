"""A real package index for tests: tiny wheels made here, served over HTTP with upload times (PEP 658, 691, 700)."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.sources.git_server import serving

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
    yanked: str | None = None

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
    """A running index. ``requests`` are the paths that were asked for; ``released`` holds back files while it is not
    set.

    With a ``login`` (``user:password``) everything is refused to whoever does not give it. ``links`` is a page that
    lists all files.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.login: str | None = None
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
            self.files[f"{release.filename}.metadata"] = release.metadata.encode()
            told: dict[str, object] = {"core-metadata": True}
            if release.uploaded:
                told["upload-time"] = release.uploaded
            if release.requires_python:
                told["requires-python"] = release.requires_python
            if release.yanked:
                told["yanked"] = release.yanked
            self._publish(release.name, release.filename, release.wheel(), told)

    def add_source(self, name: str, version: str) -> None:
        """Publish a release that has no wheel, and whose source is nothing that can be built."""
        self._publish(name, f"{name}-{version}.tar.gz", b"no archive", {"upload-time": "2016-01-01T00:00:00Z"})

    def add_legacy_source(self, name: str, version: str, uploaded: str) -> None:
        """Publish a release that has no wheel, and whose source is built by what an installer takes where nothing is
        named."""
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w:gz") as archive:
            metadata = f"Metadata-Version: 1.0\nName: {name}\nVersion: {version}\n"
            for file, text in {"setup.py": "", "PKG-INFO": metadata, f"{name}.py": "x = 'built'\n"}.items():
                member = tarfile.TarInfo(f"{name}-{version}/{file}")
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text.encode()))
        self._publish(name, f"{name}-{version}.tar.gz", content.getvalue(), {"upload-time": uploaded})

    def _publish(self, project: str, filename: str, content: bytes, told: dict[str, object]) -> None:
        self.files[filename] = content
        digest = hashlib.sha256(content).hexdigest()
        file = {
            "filename": filename,
            "url": f"/files/{filename}",
            "hashes": {"sha256": digest},
            "size": len(content),
            **told,
        }
        self._projects.setdefault(project, []).append(file)

    def url_for(self, login: str) -> str:
        """The address of the index with a login in it."""
        return self.url.replace("://", f"://{login}@")

    @property
    def links(self) -> str:
        """The address of a page that names all files (``--find-links``)."""
        return self.url.removesuffix("simple") + "links/"

    def may(self, authorization: str | None) -> bool:
        """Whether a request with this header is answered."""
        return self.login is None or authorization == "Basic " + base64.b64encode(self.login.encode()).decode()

    def page(self, name: str) -> bytes | None:
        """The index page of one project."""
        files = self._projects.get(name)
        if files is None:
            return None
        return json.dumps({"meta": {"api-version": "1.1"}, "name": name, "files": files, "versions": []}).encode()


@contextmanager
def serve() -> Iterator[Index]:
    """An index on a loopback port, with pip, setuptools and wheel (empty ones) in it."""
    server = _Server()
    with serving(server):
        try:
            yield server.index
        finally:
            server.index.released.set()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.index = Index(f"http://127.0.0.1:{self.server_address[1]}/simple")


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        index = self.server.index
        index.requests.append(self.path)
        kind, _, name = self.path.strip("/").partition("/")
        if not index.may(self.headers.get("Authorization")):
            self._answer(b"", "text/plain", 401)
        elif kind == "links":
            names = [name for name in index.files if not name.endswith(".metadata")]
            self._answer("".join(f'<a href="/files/{name}">{name}</a>\n' for name in names).encode(), "text/html")
        elif kind == "files" and name.endswith(".metadata"):
            self._answer(index.files.get(name), "application/octet-stream")
        elif kind == "files":
            index.asked_for_file.set()
            index.released.wait(60)
            self._answer(index.files.get(name), "application/octet-stream")
        else:
            self._answer(index.page(name), _SIMPLE)

    def _answer(self, content: bytes | None, kind: str, status: int = 200) -> None:
        self.send_response(status if content is not None else 404)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="packages"')
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, format: str, *args: object) -> None:
        pass
