"""What every store of artifacts does, whatever is behind it."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlproj import artifacts
from mlproj.artifacts.base import Abandoned, ArtifactStore, Entry, InvalidPath, NoSuchFile, walk
from mlproj.artifacts.subfolder import SubfolderArtifacts
from mlproj.foundation.errors import ServiceError, UsageError


@pytest.fixture(params=["folder", "file uri", pytest.param("fsspec", marks=pytest.mark.needs("fsspec"))])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ArtifactStore]:
    if request.param != "fsspec":
        root = tmp_path / "root ä"
        yield artifacts.open(root if request.param == "folder" else root.as_uri())
        return
    from fsspec.implementations.memory import MemoryFileSystem as memory  # noqa: N813

    yield artifacts.open("memory://bucket/top")
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


def put(store: ArtifactStore, path: str, *portions: bytes) -> None:
    with store.create(path) as write:
        for portion in portions:
            write(portion)


def get(store: ArtifactStore, path: str) -> bytes:
    with store.open(path) as opened:
        return opened.read()


def test_a_file_is_written_listed_read_and_removed(store: ArtifactStore) -> None:
    put(store, "1/run/a b.txt", b"he", b"llo")
    put(store, "1/run/sub/empty")
    assert get(store, "1/run/a b.txt") == b"hello"
    assert store.list("1/run") == [Entry("a b.txt", 5), Entry("sub", None)]
    assert [entry.is_dir for entry in store.list("1/run")] == [False, True]
    assert store.list("") == [Entry("1", None)]
    store.delete("1/run/a b.txt")
    assert store.list("1/run") == [Entry("sub", None)]
    store.delete("1/run")
    assert store.list("1/run") == []


def test_a_file_replaces_another(store: ArtifactStore) -> None:
    put(store, "a", b"old and longer")
    put(store, "a", b"new")
    assert get(store, "a") == b"new"


def test_a_file_that_is_abandoned_is_not_there_and_the_old_one_is(store: ArtifactStore) -> None:
    put(store, "d/a", b"old")
    for name in ("a", "b"):
        with pytest.raises(Abandoned), store.create(f"d/{name}") as write:
            write(b"half of the new")
            raise Abandoned
    assert store.list("d") == [Entry("a", 3)] and get(store, "d/a") == b"old"


def test_an_unfinished_file_is_not_listed(store: ArtifactStore) -> None:
    with store.create("d/a") as write:
        write(b"half")
        assert store.list("d") == []
    assert store.list("d") == [Entry("a", 4)]


@pytest.mark.parametrize(
    "path",
    [
        *(
            "..",
            "../x",
            "a/../../x",
            "/etc/passwd",
            "//etc/passwd",
            "a/..",
            "C:/x",
            "C:x",
            "a\\..\\b",
            "\\\\host\\share",
            "a\0b",
            "a\nb",
        ),
        *(
            "%2e%2e/x",
            "a/%2E%2e/%2e%2e/x",
            "%252e%252e/x",
            "..%2fx",
            "%2fetc/passwd",
            "a%00b",
            "..%5cx",
            "%25252525252e%252525252e/x",
        ),
        *("x" * 256, "x/" * 1500, "\ud800"),
    ],
)
def test_a_path_cannot_leave(store: ArtifactStore, path: str) -> None:
    put(store, "a/b", b"")
    for action in (store.list, store.open, store.local_file, store.delete):
        with pytest.raises(InvalidPath):
            if action(path) is None and action == store.local_file:  # what is elsewhere has no path here
                raise InvalidPath("")
    with pytest.raises(InvalidPath):
        put(store, path, b"bad")


@pytest.mark.parametrize(
    "name", ["100%", "a%2eb", "ünï cödé", "con", "-rf", "#1?x=y", "a;b", "...", "a\tb", "a\\b", "b\\\t\\"]
)
def test_odd_names_are_names(store: ArtifactStore, name: str) -> None:
    put(store, f"d/{name}", b"x")
    assert store.list("d") == [Entry(name, 1)] and get(store, f"d/{name}") == b"x"


def test_what_is_not_there_is_told(store: ArtifactStore) -> None:
    put(store, "d/a", b"")
    for path in ("nothing", "d", "d/nothing"):
        with pytest.raises(NoSuchFile):
            store.open(path)
    with pytest.raises(NoSuchFile):
        store.delete("nothing")
    assert store.list("nothing") == []


def test_a_folder_is_not_overwritten_and_the_root_not_removed(store: ArtifactStore) -> None:
    put(store, "d/a", b"")
    with pytest.raises(InvalidPath):
        put(store, "d", b"")
    with pytest.raises(InvalidPath):
        store.delete("")
    assert store.list("d") == [Entry("a", 0)]


def test_links_that_leave_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "root" / "folder").symlink_to(tmp_path)
    (tmp_path / "root" / "circle").symlink_to("circle")
    store = artifacts.open(tmp_path / "root")
    assert store.list("") == []
    for path in ("link", "folder/secret", "circle"):
        for action in (store.open, store.delete):
            with pytest.raises(InvalidPath):
                action(path)
        with pytest.raises(InvalidPath):
            put(store, path, b"bad")
    assert (tmp_path / "secret").read_text() == "s"


def test_a_file_below_a_file_cannot_be(tmp_path: Path) -> None:
    store = artifacts.open(tmp_path)
    put(store, "file", b"")
    with pytest.raises(InvalidPath):
        put(store, "file/x", b"")


def test_a_disk_that_takes_no_more_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    store = artifacts.open(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(ServiceError, match="'a' cannot be read or written: File too large"):
            put(store, "a", b"x" * 900, b"x" * 900)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.needs("fsspec")
def test_a_url_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UsageError, match=r"nonsense://\*\*\*\*@host/x"):
        artifacts.open("nonsense://user:secret@host/x")


@pytest.mark.parametrize(
    "place",
    [
        "zip://a::file:///etc/x.zip",
        "simplecache::file:///etc",
        "s3://bucket::file:///etc",
        "http://169.254.169.254/latest",
        "ftp://host/x",
        "memory://x",
        "sftp://host/x",
        "s3:/x",
        "dbfs:/x",
        "local:///etc",
        "/etc",
        "etc",
        "",
    ],
)
def test_a_recorded_place_leads_nowhere_else(place: str) -> None:
    with pytest.raises(UsageError, match="cannot be reached from here"):
        artifacts.open_recorded(place)


def test_a_recorded_place_on_this_machine_is_opened_where_that_is_meant(tmp_path: Path) -> None:
    assert artifacts.open_recorded(tmp_path.as_uri()).list("") == []
    with pytest.raises(UsageError, match="cannot be reached from here"):
        artifacts.open_recorded(tmp_path.as_uri(), local=False)


def test_credentials_are_sent_to_no_other_server_than_the_one_they_are_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="belongs to a tracking server"):
        artifacts.open_recorded("mlflow-artifacts:/0/x")
    for place in (
        "mlflow-artifacts://evil.example/0/x",
        "mlflow-artifacts://team.example:1/0/x",
        "mlflow-artifacts://u@team.example/x",
    ):
        with pytest.raises(UsageError, match="another server than https://team.example"):
            artifacts.open_recorded(place, server="https://me:secret@team.example")
    monkeypatch.setenv("MLPROJ_TRACKING_URI", "https://team.example")
    assert artifacts.open_recorded("mlflow-artifacts://team.example/0/x").uri == "mlflow-artifacts://team.example/0/x"


def test_a_part_of_a_store_is_left_by_no_path(tmp_path: Path) -> None:
    (tmp_path / "root" / "run").mkdir(parents=True)
    (tmp_path / "root" / "secret").write_text("s")
    store = SubfolderArtifacts(artifacts.open(tmp_path / "root"), "run")
    with store.create("a/b.txt") as write:
        write(b"x")
    assert (tmp_path / "root" / "run" / "a" / "b.txt").read_bytes() == b"x"
    assert store.list("a") == [Entry("b.txt", 1)] and store.uri.endswith("/root/run")
    for path in ("../secret", "a/../../secret", "/secret"):
        with pytest.raises(InvalidPath):
            store.open(path)
        with pytest.raises(InvalidPath):
            store.delete(path)
    with pytest.raises(InvalidPath):
        SubfolderArtifacts(artifacts.open(tmp_path / "root"), "../x")


def test_a_walk_gives_every_file_with_its_size_in_the_order_of_names(store: ArtifactStore) -> None:
    for path in ("b/z", "b/a/deep", "a", "c"):
        put(store, path, path.encode())
    assert list(walk(store)) == [("a", 1), ("b/a/deep", 8), ("b/z", 3), ("c", 1)]
    assert list(walk(store, skipped=("b/a", "c"))) == [("a", 1), ("b/z", 3), ("c", 1)], "folders only are skipped"


def test_a_walk_goes_no_deeper_than_asked(store: ArtifactStore) -> None:
    put(store, "a/b/c", b"")
    assert list(walk(store, deepest=2)) == [("a/b/c", 0)]
    with pytest.raises(InvalidPath, match="'a/b' is too deep"):
        list(walk(store, deepest=1))


def test_a_walk_reports_folders_that_cannot_be_listed_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "%2e%2e" / "sub").mkdir(parents=True)  # a name that leads elsewhere when it is unquoted
    (tmp_path / "z").write_bytes(b"z")
    store = artifacts.open(tmp_path)
    found: list[str] = []
    assert list(walk(store, on_invalid=found.append)) == [("z", 1)] and found == ["%2e%2e"]
    with pytest.raises(InvalidPath):
        list(walk(store))


def test_a_folder_that_is_removed_during_a_walk_is_skipped(tmp_path: Path) -> None:
    store = artifacts.open(tmp_path)
    put(store, "a", b"1")
    put(store, "b/c", b"1")
    found = walk(store)
    assert next(found) == ("a", 1)
    store.delete("b")
    assert list(found) == []
