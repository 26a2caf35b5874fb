"""MLproject as it is kept with a run: without secrets, and where it is run again, the same project otherwise."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest

from mlproj import projects
from mlproj.foundation import paths
from mlproj.projects.base import REQUIRED
from mlproj.run_folder import source_snapshot
from mlproj.run_folder.outputs import Snapshot
from mlproj.running import definition
from mlproj.running.definition import DefaultsMasked
from tests.program import mlproj, project

SECRET = "sk-12345678"
TEXT = """name: x
entry_points:
  main:
    parameters:
      api_key: {type: string, default: sk-12345678}
      alpha: {type: float, default: 0.5}
    command: "echo {alpha} {api_key} | wc -c"
"""


def test_secrets_of_the_machine_and_defaults_are_in_no_kept_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", "t0ken-of-mine")
    text = TEXT.replace("name: x", "name: t0ken-of-mine\ndescription: http://me:word@host/x")

    kept = definition.without_secrets(text.encode(), projects.parse(text, Path())).decode()

    assert not re.search("sk-12345678|t0ken-of-mine|me:word", kept)
    assert "echo {alpha} {api_key}" in kept


def test_a_snapshot_is_the_same_project_but_asks_for_what_was_masked() -> None:
    masked = DefaultsMasked()
    kept = masked(Path("MLproject"), TEXT.encode())

    assert kept is not None and SECRET.encode() not in kept
    parameters = projects.parse(kept.decode(), Path()).entry_points["main"].parameters
    assert parameters["api_key"].default is REQUIRED and parameters["alpha"].default == 0.5
    notice = masked.notice()
    assert masked.parameters == {"api_key"} and notice and "the default of api_key looks secret" in notice.text


@pytest.mark.parametrize("name", ["MLproject", "mlproject", "MLproject.yaml", "mlproject.yml"])
def test_the_copy_of_a_project_has_no_secret_default_whatever_its_file_is_called(tmp_path: Path, name: str) -> None:
    folder, masked = tmp_path / "project", DefaultsMasked()
    folder.mkdir()
    (folder / name).write_text(TEXT)

    assert source_snapshot.keep(Snapshot.take(folder), tmp_path / "copy", masked)
    assert SECRET not in (tmp_path / "copy" / name).read_text() and masked.parameters == {"api_key"}


@pytest.mark.parametrize(
    ("written", "secret"),
    [
        ("'it''s a secret'", "it''s a secret"),
        (r'"sk-\x31\x3234567"', "34567"),
        ("|\n          -----BEGIN KEY-----\n          MIIEvQIBADAN\n", "MIIEvQIBADAN"),
        ("sk-of-many\n          lines-of-it\n", "lines-of-it"),
    ],
)
def test_a_secret_default_is_masked_however_it_is_written(written: str, secret: str) -> None:
    text = (
        "entry_points:\n  main:\n    parameters:\n      api_key:\n        type: string\n"
        f"        default: {written}\n    command: echo\n"
    )
    masked = DefaultsMasked()
    kept = masked(Path("MLproject"), text.encode())

    assert kept is not None and secret not in kept.decode() and masked.parameters == {"api_key"}
    assert projects.parse(kept.decode(), Path()).entry_points["main"].parameters["api_key"].default is REQUIRED
    assert secret not in definition.without_secrets(text.encode(), projects.parse(text, Path())).decode()


def test_each_entry_point_s_secret_default_is_masked() -> None:
    other = "  other:\n    parameters:\n      api_key: {type: string, default: another-key}\n    command: echo\n"
    kept = DefaultsMasked()(Path("MLproject"), (TEXT + other).encode())

    assert kept is not None and not re.search("sk-12345678|another-key", kept.decode())


@pytest.mark.parametrize("line", ["echo {alpha} sk-12345678", "python sk-12345678.py"])
def test_a_project_that_repeats_its_secret_default_is_not_copied(line: str) -> None:
    masked = DefaultsMasked()
    assert masked(Path("MLproject"), TEXT.replace("echo {alpha}", line).encode()) is None
    notice = masked.notice()
    assert notice and "no copy of the project is kept" in notice.text


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"[", b"entry_points: 3", b"name: x\n", TEXT.replace(SECRET, "''").encode()]
)
def test_what_holds_no_secret_default_is_kept_as_it_is(content: bytes) -> None:
    masked = DefaultsMasked()
    assert masked(Path("MLproject"), content) == content and masked.notice() is None


def test_a_secret_default_is_nowhere_beside_a_run_and_asked_for_to_do_it_again(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", TEXT)
    ran = mlproj("run", folder, "--env-manager", "local", "--json")
    run_id = ran.document["run"]["run_id"]

    assert ran.code == 0 and "the default of api_key looks secret and is masked" in ran.err
    home = paths.run_dir(run_id).parent.parent
    assert not [file for file in home.rglob("*") if file.is_file() and SECRET.encode() in file.read_bytes()]
    assert mlproj("key", "create", "mine").code == 0
    assert mlproj("sign", run_id).code == 0
    checked = mlproj("verify", run_id, "--require-signature")
    assert checked.code == 0, checked.err

    refused = mlproj("reproduce", run_id)
    assert refused.code == 2 and "add -P api_key=…" in refused.err
    again = mlproj("reproduce", run_id, "-P", f"api_key={SECRET}", "--json")
    assert again.code == 0, again.err

    packed = mlproj("package", run_id, "-o", tmp_path / "x.mlproj")
    assert packed.code == 0, packed.err
    with zipfile.ZipFile(tmp_path / "x.mlproj") as file:
        assert not [name for name in file.namelist() if SECRET.encode() in file.read(name)]
    without = mlproj("run", tmp_path / "x.mlproj", "--json")
    assert without.code == 2 and "api_key" in json.dumps(without.document["error"])
