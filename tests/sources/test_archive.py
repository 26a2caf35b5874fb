from __future__ import annotations

import base64
import io
import os
import socket
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlproj import sources
from mlproj.foundation import paths
from mlproj.foundation.errors import SourceError, UsageError
from mlproj.sources import unpack
from mlproj.sources.base import Checkout, Revision
from tests.sources.git_server import serving

FILES = {"top-1.0/MLproject": "name: x", "top-1.0/sub/run.sh": "#!/bin/sh\n"}


def fetched(uri: Path | str, *, offline: bool = False) -> tuple[Revision, Checkout]:
    source = sources.open(str(uri))
    revision = source.pin(None, offline=offline)
    return revision, source.fetch(revision, isolated=False)


def make_zip(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (0o100755 if name.endswith(".sh") else 0o100644) << 16
            archive.writestr(info, content)
    return path


def make_tar(path: Path, files: dict[str, str], *more: tarfile.TarInfo) -> Path:
    suffix = path.name.rpartition(".")[2].removeprefix("t")
    mode: Any = f"w:{suffix if suffix in ('gz', 'bz2', 'xz') else ''}"
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.mode = 0o755 if name.endswith(".sh") else 0o644
            archive.addfile(info, io.BytesIO(content.encode()))
        for info in more:
            archive.addfile(info)
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


@pytest.mark.parametrize("name", ["p.zip", "p.tar", "p.tar.gz", "p.tgz", "p.tar.bz2", "p.tar.xz"])
def test_an_archive_is_unpacked_and_its_single_top_folder_is_the_root(tmp_path: Path, name: str) -> None:
    archive = (make_zip if name.endswith("zip") else make_tar)(tmp_path / name, FILES)

    revision, checkout = fetched(archive)

    assert (checkout.root / "MLproject").read_text() == "name: x"
    assert os.access(checkout.root / "sub" / "run.sh", os.X_OK)
    assert not os.access(checkout.root / "MLproject", os.X_OK)
    assert (revision.kind, revision.commit, revision.dirty) == ("archive", None, None)
    assert revision.digest is not None
    assert revision.digest.startswith("sha256:")
    assert checkout.last_changed(checkout.root / "MLproject") is None
    assert not checkout.in_place
    checkout.release()
    assert list(paths.checkouts().iterdir()) == []


def test_a_sub_folder_counts_from_the_root_or_the_very_top(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "p.zip", FILES)

    assert (fetched(f"{archive}#sub")[1].project_dir / "run.sh").exists()
    assert (fetched(f"{archive}#top-1.0/sub")[1].project_dir / "run.sh").exists()
    with pytest.raises(SourceError, match="'nowhere' is not in the source"):
        fetched(f"{archive}#nowhere")
    assert len(list(paths.checkouts().glob("*.lock"))) == 2


def test_an_archive_without_a_single_top_folder_is_its_own_root(tmp_path: Path) -> None:
    assert (fetched(make_zip(tmp_path / "p.zip", {"MLproject": "", "sub/a": ""}))[1].root / "MLproject").exists()
    assert (
        fetched(make_zip(tmp_path / "q.zip", {"top/MLproject": "", "__MACOSX/x": ""}))[1].root / "MLproject"
    ).exists()


def test_an_archive_has_no_versions(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="an archive has no versions"):
        sources.open(str(make_zip(tmp_path / "p.zip", FILES))).pin("v1", offline=False)


def test_links_inside_the_archive_are_kept(tmp_path: Path) -> None:
    archive = make_tar(
        tmp_path / "p.tar",
        FILES,
        special("top-1.0/hard", tarfile.LNKTYPE, "top-1.0/MLproject"),
        special("top-1.0/soft", tarfile.SYMTYPE, "sub/run.sh"),
    )
    checkout = fetched(archive)[1]

    assert (checkout.root / "hard").read_text() == "name: x"
    assert (checkout.root / "soft").readlink() == Path("sub/run.sh")
    link = zipfile.ZipInfo("soft")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(make_zip(tmp_path / "p.zip", {"a": "1"}), "a") as zipped:
        zipped.writestr(link, "a")
    assert (fetched(tmp_path / "p.zip")[1].root / "soft").read_text() == "1"


def test_the_last_of_several_entries_of_one_name_counts(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "p.tar", "w") as archive:
        for content in (b"first", b"last"):
            info = tarfile.TarInfo("a")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))

    assert (fetched(tmp_path / "p.tar")[1].root / "a").read_text() == "last"


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a/../../evil", "..", "a/.."])
def test_an_entry_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    for archive in (make_zip(tmp_path / "p.zip", {name: "x"}), make_tar(tmp_path / "p.tar", {name: "x"})):
        with pytest.raises(SourceError, match="outside of the folder"):
            fetched(archive)


def test_backslashes_are_folders_and_cannot_leave_either(tmp_path: Path) -> None:
    assert (fetched(make_zip(tmp_path / "p.zip", {"a\\b": "x", "c": ""}))[1].root / "a" / "b").exists()
    with pytest.raises(SourceError, match="outside of the folder"):
        fetched(make_zip(tmp_path / "q.zip", {"..\\evil": "x"}))


@pytest.mark.parametrize(
    "entries",
    [
        [special("out", tarfile.SYMTYPE, "/etc")],
        [special("out", tarfile.SYMTYPE, "../..")],
        [special("deep/l1", tarfile.SYMTYPE, ".."), special("l2", tarfile.SYMTYPE, "deep/l1/../..")],
        [special("out", tarfile.LNKTYPE, "/etc/passwd")],
        [special("out", tarfile.LNKTYPE, "../../x")],
        [special("out", tarfile.LNKTYPE, "not there")],
        [special("pipe", tarfile.FIFOTYPE)],
        [special("device", tarfile.CHRTYPE)],
    ],
)
def test_links_out_and_devices_are_refused(tmp_path: Path, entries: list[tarfile.TarInfo]) -> None:
    with pytest.raises(SourceError, match=r"leads out|outside|not in the archive|device"):
        fetched(make_tar(tmp_path / "p.tar", {}, *entries))
    assert list(paths.checkouts().iterdir()) == []


def test_no_file_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    with tarfile.open(tmp_path / "p.tar", "w") as archive:
        archive.addfile(special("link", tarfile.SYMTYPE, str(tmp_path / "outside")))
        archive.addfile(tarfile.TarInfo("link/file"))

    with pytest.raises(SourceError):
        fetched(tmp_path / "p.tar")
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_circle_of_links_does_no_harm(tmp_path: Path) -> None:
    archive = make_tar(
        tmp_path / "p.tar",
        FILES,
        special("top-1.0/a", tarfile.SYMTYPE, "b"),
        special("top-1.0/b", tarfile.SYMTYPE, "a"),
    )

    assert (fetched(archive)[1].root / "MLproject").exists()


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_what_only_pretends_to_be_small_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[..., Path]
) -> None:
    monkeypatch.setattr(unpack, "FREE_OF_RATIO", 1_000_000)
    archive = make(tmp_path / ("p.zip" if make is make_zip else "p.tgz"), {"zeros": "0" * 5_000_000})

    with pytest.raises(SourceError, match="unpacks to more than"):
        fetched(archive)


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MAX_FILES", 10)

    with pytest.raises(SourceError, match="more than 10 files"):
        fetched(make_zip(tmp_path / "p.zip", {str(number): "" for number in range(11)}))


def test_a_header_that_would_fill_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "_MAX_READ", 10_000)
    with tarfile.open(tmp_path / "p.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("a")
        info.pax_headers = {"comment": "x" * 20_000}
        archive.addfile(info)

    with pytest.raises(SourceError, match="header is too long"):
        fetched(tmp_path / "p.tar")


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"PK\x03\x04nonsense", b"\x1f\x8bnonsense", b"BZhnonsense", b"\xfd7zXZ\0nonsense"]
)
def test_what_is_no_archive_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p.zip").write_bytes(content)

    with pytest.raises(SourceError, match=r"p\.zip is no archive that can be read"):
        fetched(tmp_path / "p.zip")


def test_a_web_page_in_place_of_an_archive_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "p.zip").write_text("<!DOCTYPE html>")

    with pytest.raises(SourceError) as caught:
        fetched(tmp_path / "p.zip")

    assert caught.value.hint is not None
    assert "web page" in caught.value.hint


def test_a_broken_off_archive_says_so(tmp_path: Path) -> None:
    for name, make in (("p.zip", make_zip), ("p.tgz", make_tar), ("p.tar.xz", make_tar)):
        whole = make(tmp_path / name, {"a": os.urandom(3_000).hex(), "b": os.urandom(3_000).hex()})
        whole.write_bytes(whole.read_bytes()[:3_000])

        with pytest.raises(SourceError, match="no archive that can be read"):
            fetched(whole)


def test_an_encrypted_archive_says_so(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "p.zip", {"a": "x"})
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)

    with pytest.raises(SourceError, match="encrypted"):
        fetched(archive)


@given(st.text(alphabet=st.sampled_from("./\\a\0 ~-"), max_size=20))
def test_whatever_a_name_is_its_steps_stay_inside(name: str) -> None:
    try:
        steps = unpack.safe_steps(name)
    except SourceError:
        return
    assert ".." not in steps
    assert all(step and "/" not in step for step in steps)


class Served(ThreadingHTTPServer):
    """Answers GET with what ``answers`` says for the path: (status, headers, body)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Served

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        status, headers, body = self.server.answers.get(self.path, (404, {}, b""))
        if headers.get("ETag") and self.headers.get("If-None-Match") == headers["ETag"]:
            status, body = 304, b""
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    made = Served()
    body = make_zip(tmp_path / "served.zip", FILES).read_bytes()
    made.answers["/p.zip"] = (200, {"ETag": '"1"'}, body)
    made.answers["/p.zip?token=abc"] = (200, {}, body)
    with serving(made):
        yield made


def test_an_archive_comes_over_http_once(server: Served) -> None:
    first, checkout = fetched(f"{server.url}/p.zip#sub")
    again, _ = fetched(f"{server.url}/p.zip")
    offline, _ = fetched(f"{server.url}/p.zip", offline=True)

    assert (checkout.project_dir / "run.sh").exists()
    assert first.digest == again.digest == offline.digest
    assert "If-None-Match" in server.asked[1][1]
    assert len(server.asked) == 2
    assert "offline" in offline.notes[0]
    assert not list(paths.downloads().rglob("*.part"))


def test_an_archive_that_changed_is_fetched_again(server: Served, tmp_path: Path) -> None:
    fetched(f"{server.url}/p.zip")
    server.answers["/p.zip"] = (
        200,
        {"ETag": '"2"'},
        make_zip(tmp_path / "new.zip", {"new": "1", "x": ""}).read_bytes(),
    )

    assert (fetched(f"{server.url}/p.zip")[1].root / "new").exists()


def test_a_damaged_download_is_fetched_again(server: Served) -> None:
    revision, _ = fetched(f"{server.url}/p.zip")
    assert revision.digest is not None
    (paths.downloads() / revision.digest.removeprefix("sha256:")).write_text("damaged")

    assert fetched(f"{server.url}/p.zip")[0].digest == revision.digest


def test_offline_says_what_was_never_fetched(server: Served) -> None:
    with pytest.raises(SourceError, match="never fetched, and --offline forbids"):
        fetched(f"{server.url}/p.zip", offline=True)
    assert server.asked == []


def test_secrets_in_the_url_are_used_and_kept_nowhere(server: Served) -> None:
    revision, _ = fetched(f"{server.url.replace('//', '//user:pass%20word@')}/p.zip")
    token, _ = fetched(f"{server.url}/p.zip?token=abc")

    assert server.asked[0][1]["Authorization"] == "Basic " + base64.b64encode(b"user:pass word").decode()
    assert "pass" not in repr(revision)
    assert "abc" not in repr(token)
    assert all(
        b"pass" not in file.read_bytes() and b"abc" not in file.read_bytes()
        for file in (paths.downloads() / "urls").iterdir()
    )


def test_a_redirect_is_followed_without_the_login_and_never_to_a_file(server: Served, tmp_path: Path) -> None:
    server.answers["/moved.zip"] = (302, {"Location": f"{server.url}/p.zip"}, b"")
    server.answers["/file.zip"] = (302, {"Location": f"file://{tmp_path}/served.zip"}, b"")
    server.answers["/circle.zip"] = (302, {"Location": f"{server.url}/circle.zip"}, b"")

    fetched(f"{server.url.replace('//', '//user:secret@')}/moved.zip")

    assert "Authorization" in server.asked[0][1]
    assert "Authorization" not in server.asked[1][1]
    with pytest.raises(SourceError, match=r"file:.* is not allowed"):
        fetched(f"{server.url}/file.zip")
    with pytest.raises(SourceError):
        fetched(f"{server.url}/circle.zip")


@pytest.mark.parametrize(
    ("status", "says"),
    [(404, "no such file"), (401, "asks for a login"), (403, "access was refused"), (500, "the server failed")],
)
def test_what_the_server_says_is_told(server: Served, status: int, says: str) -> None:
    server.answers["/x.zip"] = (status, {}, b"")

    with pytest.raises(SourceError, match=f"{says}.*HTTP {status}"):
        fetched(f"{server.url.replace('//', '//user:secret@')}/x.zip")


def test_a_connection_that_breaks_off_is_told_and_nothing_kept(server: Served) -> None:
    server.answers["/x.zip"] = (200, {"Content-Length": "1000"}, b"PK")

    with pytest.raises(SourceError, match=r"broke off|could not be fetched"):
        fetched(f"{server.url}/x.zip")
    assert not list(paths.downloads().rglob("*.part"))


def test_a_host_out_of_reach_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(SourceError, match="could not be fetched"):
            fetched(f"http://127.0.0.1:{taken.getsockname()[1]}/x.zip")


def test_an_archive_too_large_is_refused(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlproj.sources import download

    monkeypatch.setattr(download, "MAX_DOWNLOAD", 10)

    with pytest.raises(SourceError, match="larger than"):
        fetched(f"{server.url}/p.zip")
    assert not list(paths.downloads().rglob("*.part"))
