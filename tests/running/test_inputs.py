"""Fetching what path parameters name by URI: from a real server, into a cache that is used again."""

from __future__ import annotations

import base64
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mlproj.foundation import paths
from mlproj.foundation.errors import ServiceError, SourceError, UsageError
from mlproj.foundation.redaction import mask_url
from mlproj.running import inputs


class Site:
    """A server with one content, which remembers what it was asked."""

    def __init__(self) -> None:
        self.content = b"one"
        self.etag: str | None = '"1"'
        self.status = 200
        self.announced: int | None = None
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.url = ""
        self.redirect: str | None = None


@contextmanager
def serving(site: Site) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append((self.path, dict(self.headers)))
            if site.etag and self.headers.get("If-None-Match") == site.etag:
                self.send_response(304)
                self.end_headers()
                return
            self.send_response(302 if site.redirect else site.status)
            if site.redirect:
                self.send_header("Location", site.redirect)
            self.send_header("Content-Length", str(len(site.content) if site.announced is None else site.announced))
            if site.etag:
                self.send_header("ETag", site.etag)
            self.end_headers()
            self.wfile.write(site.content)

        def log_message(self, format: str, *arguments: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    one = Site()
    with serving(one):
        yield one


def test_a_file_is_fetched_under_its_own_name(site: Site) -> None:
    path = inputs.fetch(f"{site.url}/data/my%20file.csv?x=1")

    assert path.read_bytes() == b"one"
    assert path.name == "my file.csv"
    assert path.is_relative_to(paths.downloads())


def test_what_is_still_current_is_not_sent_again(site: Site) -> None:
    first = inputs.fetch(f"{site.url}/x")
    second = inputs.fetch(f"{site.url}/x")

    assert first == second
    assert site.asked[1][1]["If-None-Match"] == '"1"'


def test_a_new_content_does_not_disturb_who_reads_the_old(site: Site) -> None:
    first = inputs.fetch(f"{site.url}/x")
    site.content, site.etag = b"two", '"2"'
    second = inputs.fetch(f"{site.url}/x")

    assert (first.read_bytes(), second.read_bytes()) == (b"one", b"two")


def test_without_validators_it_is_asked_for_again(site: Site) -> None:
    site.etag = None
    assert inputs.fetch(f"{site.url}/x") == inputs.fetch(f"{site.url}/x")
    assert len(site.asked) == 2


def test_offline_uses_what_is_there(site: Site) -> None:
    with pytest.raises(ServiceError, match="not in the cache"):
        inputs.fetch(f"{site.url}/x", offline=True)
    path = inputs.fetch(f"{site.url}/x")
    asked = len(site.asked)
    assert inputs.fetch(f"{site.url}/x", offline=True) == path
    assert len(site.asked) == asked


def test_what_a_login_fetched_is_found_by_the_address_that_is_recorded(site: Site) -> None:
    uri = site.url.replace("http://", "http://me:s3cret@") + "/x?token=abc"
    path = inputs.fetch(uri)
    for again in (f"{site.url}/x?token=abc", uri.replace("me:s3cret", "you"), mask_url(uri)):
        assert inputs.fetch(again, offline=True) == path
    with pytest.raises(ServiceError, match="not in the cache"):
        inputs.fetch(f"{site.url}/y?token=abc", offline=True)


def test_addresses_that_differ_in_what_looks_secret_are_of_different_contents(site: Site) -> None:
    one = inputs.fetch(f"{site.url}/x?key=train")
    site.content = b"two"
    two = inputs.fetch(f"{site.url}/x?key=test")

    assert (one.read_bytes(), two.read_bytes()) == (b"one", b"two")
    assert inputs.fetch(f"{site.url}/x?key=train", offline=True) == one


def test_credentials_are_sent_and_never_shown(site: Site) -> None:
    uri = site.url.replace("http://", "http://me:s3cr%40t@") + "/x"
    inputs.fetch(uri)
    assert site.asked[0][1]["Authorization"] == "Basic " + base64.b64encode(b"me:s3cr@t").decode()

    site.status, site.etag = 403, None
    with pytest.raises(SourceError) as caught:
        inputs.fetch(uri)
    assert "403" in str(caught.value)
    assert "s3cr" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "error"), [(404, SourceError), (403, SourceError), (500, ServiceError), (429, ServiceError)]
)
def test_a_refusing_server_is_quoted(site: Site, status: int, error: type[Exception]) -> None:
    site.status = status
    with pytest.raises(error, match=str(status)):
        inputs.fetch(f"{site.url}/x")


def test_a_connection_that_breaks_off_leaves_nothing(site: Site) -> None:
    site.announced = 100
    with pytest.raises(ServiceError, match=r"cannot be fetched|3 of 100 bytes"):
        inputs.fetch(f"{site.url}/x")
    with pytest.raises(ServiceError, match="not in the cache"):
        inputs.fetch(f"{site.url}/x", offline=True)
    assert [path for path in paths.downloads().rglob("*") if path.is_file() and path.name != "lock"] == []


@pytest.mark.parametrize("target", ["ftp://127.0.0.1/x", "file:///etc/passwd"])
def test_a_redirect_to_another_protocol_is_not_followed(site: Site, target: str) -> None:
    site.redirect = target

    with pytest.raises((ServiceError, SourceError), match="which is not followed|is not allowed"):
        inputs.fetch(f"{site.url}/x")


def test_too_large_a_file_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MAX_SIZE", 2)
    with pytest.raises(SourceError, match="larger than"):
        inputs.fetch(f"{site.url}/x")


def test_a_spoilt_cache_is_fetched_anew(site: Site) -> None:
    path = inputs.fetch(f"{site.url}/x")
    for about in paths.downloads().rglob("about.json"):
        about.write_text("[")
    assert inputs.fetch(f"{site.url}/x") == path
    path.unlink()
    path.parent.rmdir()
    assert inputs.fetch(f"{site.url}/x").read_bytes() == b"one"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("", "input"),
        ("/", "input"),
        ("/a/..", "input"),
        ("/%2e%2e", "input"),
        ("/a%2Fb", "b"),
        ("/" + "é" * 500, "é" * 100),
    ],
)
def test_the_name_stays_in_its_folder(site: Site, path: str, name: str) -> None:
    assert inputs.fetch(site.url + path).name == name


def test_a_host_that_is_not_there_is_out_of_reach() -> None:
    with pytest.raises(ServiceError, match="cannot be reached"):
        inputs.fetch("http://127.0.0.1:1/x")


@pytest.mark.parametrize("uri", ["http:///x", "https://", "http://[broken/x"])
def test_a_uri_without_a_host_is_a_mistake(uri: str) -> None:
    with pytest.raises(UsageError, match="no URI|names no host"):
        inputs.fetch(uri)


@pytest.mark.parametrize(
    ("uri", "hint"), [("s3://bucket/key", "pip install 'mlproj[s3]'"), ("weird://x/y", "download the file")]
)
def test_a_missing_package_is_named(uri: str, hint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)  # as if it were not installed
    with pytest.raises(ServiceError, match=uri) as caught:
        inputs.fetch(uri)
    assert hint in str(caught.value.hint)


@pytest.mark.needs("fsspec")
def test_other_schemes_go_through_fsspec(tmp_path: Path) -> None:
    import fsspec

    with fsspec.open("memory://folder/f.txt", "wb") as file:
        file.write(b"data")

    assert inputs.fetch("memory://folder/f.txt").read_bytes() == b"data"
    assert (inputs.fetch("memory://folder") / "f.txt").read_bytes() == b"data"
    with pytest.raises(SourceError, match="does not exist"):
        inputs.fetch("memory://folder/none.txt")
    with pytest.raises(UsageError, match="cannot be fetched"):
        inputs.fetch("weird://x/y")
