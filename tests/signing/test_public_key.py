from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mlproj.foundation.errors import UsageError
from mlproj.signing import public_key

LINE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"


def test_keys_of_openssh_and_pem_are_read_and_written() -> None:
    key = public_key.parse(f"# mine\n{LINE} ann@example.org\n")

    assert (key.raw, key.comment) == (bytes(range(32)), "ann@example.org")
    assert key.to_openssh() == f"{LINE} ann@example.org"
    assert public_key.parse(key.to_pem()).raw == key.raw


@pytest.mark.needs("ssh-keygen")
def test_others_read_the_same_key(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

    key = public_key.parse(LINE)
    (tmp_path / "key.pub").write_text(key.to_openssh())
    said = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(tmp_path / "key.pub")], capture_output=True, text=True, check=True
    )

    assert said.stdout.split()[1] == key.fingerprint
    assert load_pem_public_key(key.to_pem().encode()).public_bytes(Encoding.Raw, PublicFormat.Raw) == key.raw


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected one line"),
        ("hello", "no public key"),
        ("ssh-rsa AAAAB3NzaC1yc2E= ann", "ssh-rsa cannot be used"),
        ("sk-ssh-ed25519@openssh.com AAAA ann", "cannot be used"),
        (f"{LINE}\n{LINE}\n", "more than one line"),
        ("ssh-ed25519 AAAA", "damaged"),
        ("ssh-ed25519 !!!!", "damaged"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----", "private key"),
        ("-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----", "another kind"),
        ("ssh-ed25519 " + "A" * 20_000, "too long"),
        ("\0\x1b[2J", "no public key"),
    ],
)
def test_what_is_no_key_is_refused(text: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        public_key.parse(text)
    assert told in str(caught.value)
