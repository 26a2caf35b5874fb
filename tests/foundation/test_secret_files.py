"""Files that hold credentials are known by name and content, and others are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlproj.foundation.secret_files import holds_secrets


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(
            (name, "")
            for name in (
                ".env",
                "sub/.env.production",
                "id_rsa",
                ".netrc",
                "secrets.yaml",
                ".aws/config",
                "deploy/credentials",
            )
        ),
        ("key.pem", "-----BEGIN RSA PRIVATE KEY-----"),
        (".npmrc", "//registry/:_authToken=abc"),
        (".pypirc", "[pypi]\npassword = x"),
        ("service.json", '{"private_key": "x"}'),
    ],
)
def test_a_file_with_credentials_is_known(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / "f").write_text(content)
    assert holds_secrets(name, tmp_path / "f")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(
            (name, "")
            for name in (".env.example", "train.py", "secrets.py", "id_rsa.pub", "environment.yml", "data.csv", "env/x")
        ),
        ("ca.pem", "-----BEGIN CERTIFICATE-----"),
        (".npmrc", "save-exact=true"),
        ("params.json", '{"alpha": 1}'),
    ],
)
def test_an_ordinary_file_is_left_alone(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / "f").write_text(content)
    assert not holds_secrets(name, tmp_path / "f")
