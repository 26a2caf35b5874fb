"""``mlproj key``: keys are made, listed, handed out, trusted and forgotten."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mlproj.foundation import paths
from mlproj.tracking.base import Run
from tests.cli.conftest import Cli
from tests.conftest import has, lack
from tests.program import mlproj, start


def openssh_key(folder: Path, *, kind: str = "ed25519", passphrase: str = "") -> Path:
    if not has("ssh-keygen"):
        lack("ssh-keygen is not on this machine")
    file = folder / f"id_{kind}"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "ann", "-f", str(file)], check=True)
    return file


@pytest.mark.needs("ssh-keygen")
def test_a_private_key_is_its_owners_only_whatever_the_umask(cli: Cli) -> None:
    before = os.umask(0o002)
    try:
        made = cli("key", "create", "--json").document["created"]
    finally:
        os.umask(before)
    file = paths.home() / "keys" / "default.key"

    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    derived = subprocess.run(["ssh-keygen", "-y", "-f", str(file)], capture_output=True, text=True, check=True).stdout
    assert derived.split()[1] == made["public"].split()[1]
    assert sorted(one.name for one in file.parent.iterdir()) == [".lock", "default.key", "default.pub"]


def test_a_key_is_handed_out_trusted_listed_and_forgotten(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("key", "create", "mine")
    (tmp_path / "mine.pem").write_text(cli("key", "export", "mine", "--pem").out)
    (tmp_path / "mine.pub").write_text(cli("key", "export", "mine").out)
    monkeypatch.setenv("MLPROJ_HOME", str(tmp_path / "others"))

    assert cli("key", "trust", tmp_path / "mine.pem").code == 2  # PEM says no name
    assert cli("key", "trust", tmp_path / "mine.pem", "--name", "Ann Smith").code == 0
    again = cli("key", "trust", tmp_path / "mine.pub")
    assert again.code == 2 and "known already, as 'Ann Smith'" in again.err
    (listed,) = cli("key", "list", "--json").document["keys"]
    assert (listed["name"], listed["own"]) == ("Ann Smith", False)
    assert cli("key", "remove", "Ann Smith").out == f"removed Ann Smith ({listed['fingerprint']})\n"
    assert cli("key", "list").err == "no keys\n"


def test_trusting_works_whatever_the_umask_and_not_when_others_may_write(cli: Cli, tmp_path: Path) -> None:
    before = os.umask(0o002)
    try:
        assert cli("key", "trust", f"{openssh_key(tmp_path)}.pub").code == 0
    finally:
        os.umask(before)
    assert cli("key", "list").out.splitlines()[1].split()[:2] == ["ann", "trusted"]

    (paths.home() / "keys" / "trusted.json").chmod(0o666)
    assert "other users may write" in cli("key", "list").err


def test_damage_is_told_with_its_place(cli: Cli) -> None:
    cli("key", "create")
    file = paths.home() / "keys" / "default.pub"
    file.write_text("?")
    assert cli("key", "list").code == 69 and str(file) in cli("verify", "last").err


def test_a_private_key_that_others_may_read_does_not_sign(cli: Cli, run: Run) -> None:
    cli("key", "create")
    (paths.home() / "keys" / "default.key").chmod(0o644)
    assert "other users may read" in cli("sign", "one").err


def test_a_key_is_trusted_from_standard_input(tmp_path: Path) -> None:
    public = Path(f"{openssh_key(tmp_path)}.pub")
    with public.open("rb") as stream:
        process = start("key", "trust", "-", "--name", "ann", stdin=stream)
        out, _err = process.communicate()
    assert out.startswith(b"trusted ann (SHA256:")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["key", "create", "../evil"], "cannot be the name"),
        (["key", "create", "mine"], "already"),
        (["key", "trust", "nothing.pub"], "cannot be read"),
        (["key", "trust", "id_ed25519"], "private key"),
        (["key", "trust", "id_ed25519.pub", "--name", "two\nlines"], "cannot be the name"),
        (["key", "trust", "id_ed25519.pub", "--name", "mine"], "already"),
        (["key", "export", "mien"], "did you mean 'mine'"),
        (["key", "remove", "nobody"], "no key 'nobody'"),
    ],
)
def test_mistakes_are_told(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    openssh_key(tmp_path)
    cli("key", "create", "mine")

    refused = cli(*arguments)

    assert refused.code == 2 and told in refused.err
    assert [one["name"] for one in cli("key", "list", "--json").document["keys"]] == ["mine"]


def test_listing_keys_needs_no_cryptography(tmp_path: Path) -> None:
    mlproj("key", "trust", f"{openssh_key(tmp_path)}.pub")
    (tmp_path / "cryptography.py").write_text("raise SystemExit(9)\n")

    assert mlproj("key", "list", env={"PYTHONPATH": str(tmp_path)}).code == 0
