"""Packaging a recorded run, and running what comes of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.package.packed import committed, manifest, names, package
from tests.program import mlproj, project

TEXT = """
name: p
entry_points:
  main:
    parameters:
      data: {type: path, default: own.txt}
      more: {type: path, default: own.txt}
      folder: {type: path, default: .}
      api_key: {type: int, default: 0}
      level: {type: int, default: 3}
    command: "cat {data} {more}; ls {folder}; echo {api_key} > out.txt; echo rmse=0.5 >> $MLPROJ_METRICS"
  other: {command: "echo other"}
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, ThreadingHTTPServer]]:
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "more.txt").write_text("from afar\n")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=tmp_path / "served"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/more.txt", server
    server.server_close()


SECRET = "4815162342"


@pytest.fixture
def packaged(tmp_path: Path, served: tuple[str, ThreadingHTTPServer]) -> Path:
    """The package of the run ``first`` of a changed work tree, with inputs by path, URL and folder; these are gone."""
    url, server = served
    folder = committed(project(tmp_path / "p", TEXT, own__txt="own\n"))
    (folder / "own.txt").write_text("changed\n")
    (tmp_path / "data.txt").write_text("data\n")
    (tmp_path / "inputs" / "empty").mkdir(parents=True)
    (tmp_path / "inputs" / "x.csv").write_text("x\n")
    values = ["-P", "data=data.txt", "-P", f"more={url}", "-P", "folder=inputs", "-P", f"api_key={SECRET}"]
    assert mlproj("run", folder, *values, "--run-name", "first", cwd=tmp_path).code == 0
    done = package("first", tmp_path / "a.mlproj")
    assert "secret, and not in the package: api_key" in done.err
    server.shutdown()
    (tmp_path / "data.txt").unlink()
    return tmp_path / "a.mlproj"


def test_a_run_is_packaged_with_its_inputs_and_without_its_secrets(
    packaged: Path, served: tuple[str, ThreadingHTTPServer]
) -> None:
    made = manifest(packaged)

    assert (made["entry_point"], made["parameters"], made["secret"]) == (
        "main",
        {"level": "3", "more": served[0]},
        ["api_key"],
    )
    assert made["defaults"] == ["level"]
    assert made["inputs"] == {"data": "inputs/0/data.txt", "more": "inputs/1/more.txt", "folder": "inputs/2/inputs"}
    assert (made["run"]["run_name"], made["run"]["metrics"]) == ("first", {"rmse": 0.5})
    assert SECRET.encode() not in packaged.read_bytes()


def test_a_packaged_run_is_run_and_reproduced_as_it_was(
    packaged: Path, served: tuple[str, ThreadingHTTPServer]
) -> None:
    asked = mlproj("run", packaged)
    assert (
        asked.code == 2
        and "the value of api_key is secret, and is not in the package" in asked.err
        and "-P api_key=" in asked.err
    )

    again = mlproj("run", packaged, "-P", f"api_key={SECRET}", "--run-name", "again", "--offline")
    assert (again.code, again.out) == (0, "data\nfrom afar\nempty\nx.csv\n")
    assert mlproj("run", packaged, "-e", "other").out == "other\n"

    source = mlproj("runs", "show", "again", "--json").document["run"]["source"]
    assert (source["kind"], source["commit"], source["dirty"]) == (
        "bundle",
        manifest(packaged)["source"]["commit"],
        True,
    )
    assert mlproj("runs", "show", "again", "--json").document["run"]["params"]["more"] == served[0]
    same = mlproj("runs", "diff", "first", "again").out.partition("the same: ")[2]
    assert {"code", "inputs"} <= {*same.partition("\n")[0].split(", ")}
    repeated = mlproj("reproduce", "again", "-P", f"api_key={SECRET}")
    assert repeated.code == 0 and "reproduced: 1 metric and 1 file compared" in repeated.out, repeated.err


def test_a_run_of_a_package_and_a_package_are_packaged_with_what_they_had(packaged: Path, tmp_path: Path) -> None:
    assert mlproj("run", packaged, "-P", f"api_key={SECRET}").code == 0

    package("last", tmp_path / "b.mlproj")
    package(packaged, tmp_path / "c.mlproj")

    made, of_run, of_package = (manifest(file) for file in (packaged, tmp_path / "b.mlproj", tmp_path / "c.mlproj"))
    for part in ("parameters", "defaults", "secret", "entry_point"):
        assert made[part] == of_run[part] == of_package[part]
    assert made["inputs"].keys() == of_run["inputs"].keys() == of_package["inputs"].keys()
    assert names(tmp_path / "b.mlproj", "record") == names(tmp_path / "c.mlproj", "record") == ["diff.patch"]


def test_inputs_that_are_not_what_they_were_are_refused(tmp_path: Path) -> None:
    folder = committed(project(tmp_path / "p", TEXT, own__txt="own\n"))
    (tmp_path / "data.txt").write_text("data\n")
    assert mlproj("run", folder, "-P", f"data={tmp_path / 'data.txt'}").code == 0
    (tmp_path / "data.txt").write_text("other\n")

    done = mlproj("package", "last", "-o", tmp_path / "a.mlproj")

    assert done.code == 66 and "has other content than before" in done.err
    assert not (tmp_path / "a.mlproj").exists()


def test_what_cannot_be_packaged_is_told(tmp_path: Path) -> None:
    assert mlproj("package", "nothing", "-o", tmp_path / "a.mlproj").code == 2
    assert mlproj("package", tmp_path / "nothing", "-o", tmp_path / "a.mlproj").code == 66
    folder = project(tmp_path / "p", TEXT, own__txt="own\n")
    assert mlproj("run", folder, "-e", "other", "--run-name", "r").code == 0

    done = mlproj("package", "r", "-e", "main", "-o", tmp_path / "a.mlproj")

    assert done.code == 2 and "-v and -e are for projects; a run has its own" in done.err
