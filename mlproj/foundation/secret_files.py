"""Files that hold credentials by their names or by what is in them: they are kept with no run and are in no package
unasked."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

_FOLDERS = frozenset((".aws", ".ssh", ".gnupg", ".kube", ".azure", ".docker", ".gcloud", ".password-store"))
_NAMES = (
    *(
        ".env",
        ".env.*",
        "*.env",
        ".envrc",
        ".netrc",
        "_netrc",
        ".pgpass",
        ".my.cnf",
        ".git-credentials",
        ".dockercfg",
        ".htpasswd",
    ),
    *("credentials", "credentials.json", "credentials.toml", "credentials.y*ml", "client_secret*.json", "kaggle.json"),
    *(
        "secret.*",
        "secrets",
        "secrets.*",
        ".secrets",
        ".secrets.*",
        ".boto",
        ".s3cfg",
        ".vault-token",
        "rclone.conf",
        "terraform.tfstate*",
    ),
    *(
        "id_rsa",
        "id_dsa",
        "id_ecdsa",
        "id_ed25519",
        "id_ecdsa_sk",
        "id_ed25519_sk",
        "*.ppk",
        "*.p12",
        "*.pfx",
        "*.jks",
        "*.keystore",
        "*.kdbx",
    ),
)
_EXAMPLES = ("*.example", "*.sample", "*.template", "*.dist", "*.defaults", "*.py", "*.md", "*.rst", "*.ipynb", "*.pub")
_READ_FIRST = ("*.pem", "*.key", "*.json", ".npmrc", ".pypirc", ".yarnrc*", "pip.conf", "nuget.config", "config.local")
_MOST = 1 << 16  # bytes that are looked at
_CONTENT = (
    rb"(?i)-----BEGIN [A-Z0-9 ]*PRIVATE"
    rb" KEY|\"private_key\"|\"client_secret\"|_authToken\s*=|_auth\s*=|npmAuthToken|\b_?password\s*[=:]"
    rb"|secret_access_key|://[^/\s:@]+:[^/\s@]+@"
)


def holds_secrets(name: str, place: Path) -> bool:
    """Whether the file at *place*, in its project under *name*, holds credentials, as far as can be seen without
    running anything.

    Ordinary files of data and code are not read.
    """
    *folders, last = name.split("/")
    if any(folder in _FOLDERS for folder in folders):
        return True
    last = last.lower()
    if _fits(last, _EXAMPLES):
        return False
    if _fits(last, _NAMES):
        return True
    return _fits(last, _READ_FIRST) and _has_secret_content(place)


def _fits(name: str, patterns: Sequence[str]) -> bool:
    """Whether *name* is one of *patterns*, whose ``*`` (at most one in each) stands for anything: the ``fnmatch`` of
    Python makes a regular expression of each first, which takes a small run longer than the rest of keeping its
    files."""
    for pattern in patterns:
        head, star, tail = pattern.partition("*")
        if name == pattern or (
            star and len(name) >= len(head) + len(tail) and name.startswith(head) and name.endswith(tail)
        ):
            return True
    return False


def _has_secret_content(place: Path) -> bool:
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    with os.fdopen(descriptor, "rb") as file:
        try:
            return bool(re.search(_CONTENT, file.read(_MOST)))
        except OSError:  # a folder
            return False
