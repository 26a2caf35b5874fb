"""A package as a source: its files, its environment, its provenance, and what is refused through every command."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mlproj import sources
from mlproj.foundation import paths
from mlproj.foundation.errors import SourceError, UsageError
from mlproj.foundation.platforms import here
from tests.package.format.hostile import FILES, make, manifest
from tests.program import mlproj

COMMIT = "0123456789" * 4


def left() -> list[str]:
    """What checkouts and half-made packages left in the cache."""
    bundles = paths.cache() / "bundles"
    started = [place.name for place in bundles.iterdir()] if bundles.is_dir() else []
    checkouts = (
        [place.name for place in paths.checkouts().iterdir() if place.is_dir()] if paths.checkouts().is_dir() else []
    )
    return [*checkouts, *(name for name in started if name.startswith("."))]


def test_a_package_is_run_with_its_provenance(tmp_path: Path) -> None:
    source = {
        "uri": "https://example.org/p",
        "kind": "git",
        "commit": COMMIT,
        "branch": "main",
        "commit_date": "2020-05-01T00:00:00Z",
    }
    file = make(tmp_path / "a.mlproj", FILES, manifest(FILES, source=source))

    done = mlproj("run", file, "--json")

    assert done.code == 0, done.err
    recorded = done.document["run"]["source"]
    assert (recorded["kind"], recorded["uri"], recorded["commit"], recorded["branch"]) == (
        "bundle",
        str(file),
        COMMIT,
        "main",
    )
    assert recorded["commit_date"] == "2020-05-01T00:00:00Z"
    assert "at 012345678901 (main) of 2020-05-01" in done.err and "no version was asked for" not in done.err
    assert left() == []


def test_its_commit_is_its_only_version(tmp_path: Path) -> None:
    source = {"uri": "p", "kind": "git", "commit": COMMIT}
    opened = sources.open(str(make(tmp_path / "a.mlproj", FILES, manifest(FILES, source=source))))

    assert opened.pin(COMMIT, offline=True).commit == COMMIT
    with pytest.raises(UsageError, match="version 'v1': a package has no versions"):
        opened.pin("v1", offline=True)


def test_show_check_and_a_folder_inside_work(tmp_path: Path) -> None:
    files = {**FILES, "project/sub/MLproject": b"name: inner\nentry_points: {main: {command: 'echo inner'}}\n"}
    file = make(tmp_path / "a.mlproj", files)

    assert mlproj("show", file, "--json").document["project"]["name"] == "p"
    assert mlproj("check", file).code == 0
    assert mlproj("run", f"{file}#sub").out == "inner\n"
    assert mlproj("run", f"{file}#nope").code == 66


@pytest.mark.parametrize("command", ["run", "show", "check"])
def test_a_package_that_is_not_as_it_should_be_is_refused_and_nothing_is_left(tmp_path: Path, command: str) -> None:
    changed = make(tmp_path / "changed.mlproj").read_bytes().replace(b"data\n", b"atad\n")
    (tmp_path / "changed.mlproj").write_bytes(changed)
    make(tmp_path / "link.mlproj", {**FILES, "inputs/0/l": "-> ../../../x"})
    make(tmp_path / "newer.mlproj", FILES, {**manifest(FILES), "format": 7})
    (tmp_path / "text.mlproj").write_text("text")

    for name, reason in [
        ("changed", "its SHA-256 is another"),
        ("link", "leads out of the package"),
        ("newer", "its format is 7, and this mlproj knows up to 1"),
        ("text", "does not end as a zip archive does"),
    ]:
        done = mlproj(command, tmp_path / f"{name}.mlproj", "--json")
        assert done.code == 66 and reason in done.document["error"]["message"], done.out
    assert left() == []
    assert not paths.database().exists() or mlproj("runs", "list", "--json").document["runs"] == []


def test_a_package_that_is_replaced_between_looking_and_unpacking_is_refused(tmp_path: Path) -> None:
    source = sources.open(str(make(tmp_path / "a.mlproj")))
    revision = source.pin(None, offline=True)
    make(tmp_path / "a.mlproj", {**FILES, "project/data.txt": b"other\n"})

    with pytest.raises(SourceError, match="it was replaced meanwhile"):
        source.fetch(revision, isolated=True)
    assert left() == []


def test_what_came_along_is_unpacked_once_and_inputs_cannot_be_written(tmp_path: Path) -> None:
    files = {
        **FILES,
        "inputs/0/x.csv": b"x\n",
        "project/MLproject": b"entry_points: {main: {command: 'cat {x}', parameters: {x: path}}}\n",
    }
    file = make(tmp_path / "a.mlproj", files, manifest(files, entry_point="main", inputs={"x": "inputs/0/x.csv"}))

    for _time in range(2):
        assert mlproj("run", file).out == "x\n"

    (unpacked,) = (paths.cache() / "bundles").iterdir()
    assert (unpacked / "inputs" / "0" / "x.csv").stat().st_mode & 0o222 == 0
    assert not (unpacked / "project").exists()


@pytest.mark.parametrize(
    ("lock", "packages", "reason"),
    [
        (b"not [toml", {}, "its lock cannot be read"),
        (b"packages = [1]", {}, "its lock cannot be read"),
        (b"packages = [{}]", {}, "its lock cannot be read"),
        (b"[[packages]]\nname = 1\n", {"1": "packages/a.whl"}, "its lock cannot be read"),
        (b"[[packages]]\nname = 'b'\n", {}, "the package b is in its lock and not in it"),
        (b"\xff", {}, "is no package that can be read"),
    ],
)
def test_locks_that_are_none_are_refused(tmp_path: Path, lock: bytes, packages: dict[str, str], reason: str) -> None:
    files = {**FILES, f"locks/{here()}/pylock.toml": lock, "packages/a.whl": b""}
    environment = {"kind": "python", "manager": "uv", "python": "3.11.7", "lock": "pylock.toml"}
    document = manifest(
        files, environment=environment, locks={here(): f"locks/{here()}/pylock.toml"}, offline={here(): packages}
    )

    done = mlproj("show", make(tmp_path / "a.mlproj", files, document))

    assert done.code == 66 and reason in done.err


def test_a_lock_of_another_platform_is_told_and_not_used(tmp_path: Path) -> None:
    files = {**FILES, "locks/amiga-68/pylock.toml": b""}
    environment = {"kind": "python", "manager": "uv", "lock": "pylock.toml"}
    file = make(
        tmp_path / "a.mlproj",
        files,
        manifest(files, environment=environment, locks={"amiga-68": "locks/amiga-68/pylock.toml"}),
    )

    done = mlproj("run", file)

    assert (done.code, done.out) == (0, "data\n")
    assert (
        "has no lock for" in done.err and "(it has: amiga-68); what the project declares is resolved anew" in done.err
    )


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "served").mkdir()
    make(tmp_path / "served" / "a.mlproj")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=tmp_path / "served"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/a.mlproj"
    server.shutdown()
    server.server_close()


def test_a_package_from_a_url_is_somebody_elses(tmp_path: Path, served: str) -> None:
    first = mlproj("run", served)
    second = mlproj("run", served, "--offline")
    local = mlproj("run", tmp_path / "served" / "a.mlproj")

    assert (first.out, second.out, local.out) == ("data\n",) * 3
    assert f"first run of {served} here: it executes cat data.txt" in first.err
    assert "first run of" not in second.err + local.err


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    file = make(tmp_path / "a.mlproj", {**FILES, "inputs/0/x": b"x"})
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "bundles").write_text("no folder")

    done = mlproj("run", file, env={"MLPROJ_CACHE": str(tmp_path / "cache")})

    assert done.code == 69 and "cannot be unpacked into" in done.err


def test_links_and_programs_are_what_they_were(tmp_path: Path) -> None:
    files = {**FILES, "project/run.sh": b"#!/bin/sh\necho ran\n", "project/l": "-> run.sh"}
    document = manifest(files)
    document["members"]["project/run.sh"]["executable"] = True
    files = {**files, "project/MLproject": b"entry_points: {main: {command: './l'}}\n"}
    document["members"]["project/MLproject"] = manifest(files)["members"]["project/MLproject"]

    assert mlproj("run", make(tmp_path / "a.mlproj", files, document)).out == "ran\n"
