"""``mlproj verify FILE.mlproj`` and ``mlproj sign FILE.mlproj``: every change is listed, and nobody is believed who did
not sign."""

from __future__ import annotations

import hashlib
import json
import zipfile
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.package.format.hostile import FILES, make, manifest
from tests.package.packed import committed, package
from tests.program import project

TEXT = """
entry_points:
  main:
    parameters: {alpha: float, data: path, folder: path, token: {type: string, default: none},
                 beside: {type: int, default: 3}}
    command: "cat {data}; ls {folder}; echo {alpha} > out.txt"
"""


@pytest.fixture
def packaged(cli: Cli, tmp_path: Path) -> Path:
    """The package of a run that was signed with the key ``mine``."""
    folder = committed(project(tmp_path / "p", TEXT))
    (folder / "new.txt").write_text("not committed\n")
    (tmp_path / "data.txt").write_text("data\n")
    (tmp_path / "inputs" / "deep").mkdir(parents=True)
    (tmp_path / "inputs" / "deep" / "x").write_text("x\n")
    values = [
        "-P",
        "alpha=0.5",
        "-P",
        f"data={tmp_path / 'data.txt'}",
        "-P",
        f"folder={tmp_path / 'inputs'}",
        "-P",
        "token=quiet",
    ]
    assert cli("key", "create", "mine").code == 0
    assert cli("run", folder, *values, "-q").code == 0
    assert cli("sign", "last").code == 0
    package("last", tmp_path / "a.mlproj")
    return tmp_path / "a.mlproj"


def repacked(file: Path, change: Callable[[dict[str, Any], dict[str, bytes]], None]) -> Path:
    """The package with its manifest and files changed by somebody who knows how to make one."""
    with zipfile.ZipFile(file) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    document = json.loads(files.pop("mlproj.json"))
    change(document, files)
    for name, content in files.items():
        if "link" not in document["members"].get(name, {"link": ""}):
            document["members"][name] |= {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    return make(file, files, document)


def test_a_package_that_is_as_it_was_is_verified_and_says_what_it_is(cli: Cli, tmp_path: Path) -> None:
    file = make(
        tmp_path / "a.mlproj",
        FILES,
        manifest(FILES, source={"uri": "https://host/p", "kind": "git", "commit": "a" * 40}),
    )

    result = cli("verify", file, "--json")

    assert (result.code, result.document["changes"], result.document["signed"]) == (0, [], False)
    facts = result.document["facts"]
    assert (facts["source"], facts["commit"]) == ("https://host/p", "a" * 40)
    assert facts["file"] == f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
    assert "package a.mlproj: verified" in cli("verify", file).out
    assert cli("verify", file, "--require-signature").code == 1


def test_every_member_that_changed_is_listed(cli: Cli, tmp_path: Path) -> None:
    document = manifest({**FILES, "project/gone": b"x"})
    file = make(tmp_path / "a.mlproj", FILES, document, extra={"project/new\x1b[2J": b"y"})
    file.write_bytes(file.read_bytes().replace(b"data\n", b"atad\n"))

    result = cli("verify", file, "--json")
    shown = cli("verify", file)

    assert (result.code, shown.code) == (1, 1)
    assert [(change["kind"], change["what"]) for change in result.document["changes"]] == [
        ("added", "project/new\x1b[2J"),
        ("missing", "project/gone"),
        ("changed", "project/data.txt"),
    ]
    assert (
        "changed: project/data.txt" in shown.out and "a.mlproj: not verified" in shown.out and "\x1b" not in shown.out
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"text", "does not end as a zip archive"), (b"", "does not end as a zip"), (None, "No such file")],
)
def test_what_is_no_package_is_told(cli: Cli, tmp_path: Path, content: bytes | None, reason: str) -> None:
    if content is not None:
        (tmp_path / "a.mlproj").write_bytes(content)

    for command in ("verify", "sign"):
        cli("key", "create", "mine")
        result = cli(command, tmp_path / "a.mlproj")
        assert result.code == 66 and reason in result.err


def test_the_package_of_a_signed_run_says_who_signed_that(cli: Cli, packaged: Path) -> None:
    result = cli("verify", packaged)

    assert result.code == 0, result.out
    assert "its run is signed by mine (SHA256:" in result.out and "not signed" in result.out
    assert "whether the project's files, and so its defaults, are that commit's was not looked at" in result.err
    # Who signed the run said nothing of each of the project's files.
    assert cli("verify", packaged, "--require-signature").code == 1


def _parameter(document: dict[str, Any], _files: dict[str, bytes]) -> None:
    document["parameters"]["alpha"] = "0.9"


def _one_more(document: dict[str, Any], _files: dict[str, bytes]) -> None:
    document["parameters"]["beta"] = "1"


def _no_parameter(document: dict[str, Any], _files: dict[str, bytes]) -> None:
    del document["parameters"]["alpha"]


def _commit(document: dict[str, Any], _files: dict[str, bytes]) -> None:
    document["source"]["commit"] = "b" * 40


def _input(_document: dict[str, Any], files: dict[str, bytes]) -> None:
    files[next(name for name in files if name.endswith("data.txt"))] = b"other\n"


def _folder(_document: dict[str, Any], files: dict[str, bytes]) -> None:
    files[next(name for name in files if name.endswith("deep/x"))] = b"other\n"


def _patch(_document: dict[str, Any], files: dict[str, bytes]) -> None:
    files["record/diff.patch"] += b"\n"


def _no_patch(document: dict[str, Any], files: dict[str, bytes]) -> None:
    del files["record/diff.patch"], document["members"]["record/diff.patch"]


def _definition(_document: dict[str, Any], files: dict[str, bytes]) -> None:
    files["project/MLproject"] += b"\n"


@pytest.mark.parametrize(
    ("change", "kind", "what"),
    [
        (_parameter, "changed", "signed parameter alpha"),
        (_one_more, "added", "signed parameter beta"),
        (_no_parameter, "missing", "signed parameter alpha"),
        (_commit, "changed", "signed source"),
        (_input, "changed", "signed input data"),
        (_folder, "changed", "signed input folder"),
        (_patch, "changed", "signed diff.patch"),
        (_no_patch, "missing", "signed diff.patch"),
        (_definition, "changed", "signed MLproject"),
    ],
)
def test_what_differs_from_what_was_signed_is_listed(
    cli: Cli, packaged: Path, change: Any, kind: str, what: str
) -> None:
    result = cli("verify", repacked(packaged, change), "--json")

    assert result.code == 1
    assert [(one["kind"], one["what"]) for one in result.document["changes"]] == [(kind, what)]


def test_a_signed_package_is_told_from_one_that_was_made_after_it(cli: Cli, packaged: Path) -> None:
    assert cli("sign", packaged).code == 0
    signed = cli("verify", packaged, "--require-signature", "--json")
    statement = packaged.with_name("a.mlproj.intoto.jsonl")
    payload = json.loads(b64decode(json.loads(statement.read_bytes())["payload"]))
    about = cli("verify", statement)

    assert (signed.code, signed.document["signatures"][0]["name"]) == (0, "mine")
    assert payload["subject"] == [
        {"name": "a.mlproj", "digest": {"sha256": hashlib.sha256(packaged.read_bytes()).hexdigest()}}
    ]
    assert about.code == 0 and "is about the file a.mlproj" in about.err

    repacked(packaged, lambda _document, files: files.update({"project/new.txt": b"planted\n"}))
    forged = cli("verify", packaged, "--require-signature", "--json")
    assert (forged.code, [change["what"] for change in forged.document["changes"]]) == (1, ["the file"])
    assert cli("sign", packaged).code == 2
    assert cli("sign", packaged, "--force").code == 0
    assert cli("verify", packaged, "--require-signature").code == 0


def test_a_second_key_adds_a_signature_and_a_changed_package_is_not_signed(cli: Cli, tmp_path: Path) -> None:
    file = make(tmp_path / "a.mlproj")
    for key in ("one", "two"):
        cli("key", "create", key)
        assert cli("sign", file, "--key", key).code == 0
    assert [one["name"] for one in cli("verify", file, "--json").document["signatures"]] == ["one", "two"]

    file.write_bytes(file.read_bytes().replace(b"data\n", b"atad\n"))
    result = cli("sign", file, "--key", "one")
    assert result.code == 2 and "project/data.txt is changed" in result.err


def test_a_statement_about_something_else_is_a_fault(cli: Cli, packaged: Path, tmp_path: Path) -> None:
    cli("sign", "last", "-o", tmp_path / "a.mlproj.intoto.jsonl")

    result = cli("verify", packaged, "--json")

    assert (result.code, result.document["faults"]) == (1, ["a.mlproj.intoto.jsonl, line 1: it is not about a package"])
