"""Sources of packages from a server: fetched once, kept whole, held to what the lock says."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mlproj.environments.renv import source
from mlproj.environments.renv.record import Record
from mlproj.foundation import paths
from mlproj.foundation.errors import EnvironmentFailure
from tests import r_repository


class Site:
    """A repository by http, which remembers what it was asked. ``answers`` are by path: a status, a body and
    headers."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []
        self.logins: list[str | None] = []
        self.answers: dict[str, tuple[int, bytes, dict[str, str]]] = {}

    def put(self, path: str, body: bytes, status: int = 200, **headers: str) -> None:
        self.answers[path] = (
            status,
            body,
            {"Content-Length": str(len(body)), **{key.replace("_", "-"): headers[key] for key in headers}},
        )

    def record(self, name: str, version: str, sha256: str | None = None, login: str = "") -> Record:
        base = self.url.replace("//", f"//{login}")
        file = f"{name}_{version}.tar.gz"
        return Record(
            name, version, (f"{base}/src/contrib/{file}", f"{base}/src/contrib/Archive/{name}/{file}"), sha256
        )


class Handler(BaseHTTPRequestHandler):
    def __init__(self, *arguments: Any, site: Site) -> None:
        self._site = site
        super().__init__(*arguments)

    def do_GET(self) -> None:
        self._site.asked.append(self.path)
        self._site.logins.append(self.headers.get("Authorization"))
        status, body, headers = self._site.answers.get(self.path, (404, b"", {"Content-Length": "0"}))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None: ...


@pytest.fixture
def site() -> Iterator[Site]:
    one = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, site=one))
    one.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield one
    server.shutdown()
    thread.join()
    server.server_close()


LEAF = r_repository.source("leaf", "1.0", needs="Imports: other\n")
PLACE = "/src/contrib/leaf_1.0.tar.gz"
ARCHIVED = "/src/contrib/Archive/leaf/leaf_1.0.tar.gz"


def failure(record: Record, offline: bool = False) -> EnvironmentFailure:
    with pytest.raises(EnvironmentFailure) as error:
        source.obtain(record, offline=offline)
    assert "s3cr3t" not in str(error.value)
    return error.value


def test_a_source_is_fetched_once_and_is_there_without_network(site: Site) -> None:
    site.put(ARCHIVED, LEAF)
    first = source.obtain(site.record("leaf", "1.0"), offline=False)
    assert site.asked == [PLACE, ARCHIVED] and first.url == site.url + ARCHIVED
    assert first.path.read_bytes() == LEAF and first.path.is_relative_to(paths.cache()) and first.needs == ("other",)

    again = source.obtain(site.record("leaf", "1.0"), offline=True)

    assert again == first and len(site.asked) == 2


def test_a_damaged_file_of_the_cache_is_fetched_anew(site: Site) -> None:
    site.put(PLACE, LEAF)
    source.obtain(site.record("leaf", "1.0"), offline=False).path.write_bytes(b"damaged")
    assert source.obtain(site.record("leaf", "1.0"), offline=False).path.read_bytes() == LEAF
    assert [place.name for place in (paths.downloads() / "r").iterdir() if place.name.startswith(".")] == []


def test_without_network_what_is_missing_is_named(site: Site) -> None:
    error = failure(site.record("leaf", "1.0"), offline=True)
    assert "leaf 1.0 is not in the cache" in error.message and site.asked == []


def test_a_package_that_no_repository_has_is_told(site: Site) -> None:
    site.put(PLACE, b"", status=403)  # as some stores say it
    error = failure(site.record("leaf", "1.0", login="me:s3cr3t@"))
    assert "leaf 1.0 is not there" in error.message and "typing mistake" in str(error.hint)
    assert site.asked == [PLACE, ARCHIVED]


@pytest.mark.parametrize(("status", "hint"), [(500, "later"), (401, "user:token@")])
def test_a_server_that_refuses_is_not_taken_for_one_without_the_package(site: Site, status: int, hint: str) -> None:
    site.put(PLACE, b"", status=status)
    error = failure(site.record("leaf", "1.0"))
    assert f"the server answers {status}" in error.message and hint in str(error.hint)


def test_a_login_goes_to_the_server_and_nowhere_else(site: Site) -> None:
    site.put(PLACE, LEAF)
    found = source.obtain(site.record("leaf", "1.0", login="me:s3cr3t@"), offline=False)
    assert site.logins[0] is not None and site.logins[0].startswith("Basic ")
    assert "s3cr3t" not in found.url + str(found.path)


def test_another_package_than_the_lock_asks_for_is_refused(site: Site) -> None:
    site.put(PLACE, r_repository.source("leaf", "1.1"))
    assert "is leaf 1.1, and renv.lock asks for leaf 1.0" in failure(site.record("leaf", "1.0")).message
    site.put(PLACE, b"<html>log in</html>")
    assert "is no source of an R package" in failure(site.record("leaf", "1.0")).message
    site.put(PLACE, LEAF)
    assert source.obtain(site.record("leaf", "1.0"), offline=False).path.read_bytes() == LEAF


def test_a_source_that_changed_since_the_run_that_locked_it_is_refused(site: Site) -> None:
    site.put(PLACE, LEAF)
    sha256 = source.obtain(site.record("leaf", "1.0"), offline=False).sha256
    assert source.obtain(site.record("leaf", "1.0", sha256), offline=False).sha256 == sha256
    assert "and renv.lock says abab" in failure(site.record("leaf", "1.0", "ab" * 32)).message


def test_a_connection_that_breaks_off_leaves_nothing(site: Site) -> None:
    site.put(PLACE, LEAF, Content_Length=str(len(LEAF) + 9))
    error = failure(site.record("leaf", "1.0"))
    assert "cannot be downloaded" in error.message and "network" in str(error.hint)
    assert list((paths.downloads() / "r").iterdir()) == []


def test_a_redirect_to_a_file_is_not_followed(site: Site, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(LEAF)
    site.put(PLACE, b"", status=302, Location=(tmp_path / "x").as_uri())
    assert "cannot be downloaded" in failure(site.record("leaf", "1.0")).message
