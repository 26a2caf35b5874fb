"""SHA-256 without OpenSSL."""

from __future__ import annotations

import hashlib

import pytest

from mlproj.foundation.sha256 import sha256


@pytest.mark.parametrize("content", [b"", b"text", bytes(range(256)) * 5])
def test_digests_are_those_of_the_standard_library(content: bytes) -> None:
    assert sha256(content).hexdigest() == hashlib.sha256(content).hexdigest()
