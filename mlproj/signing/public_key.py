"""Public Ed25519 keys as people hand them around: a line of OpenSSH (RFC 8709), or PEM (RFC 8410)."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from binascii import Error

from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import UsageError

_KIND = b"ssh-ed25519"
_SSH_PREFIX = len(_KIND).to_bytes(4, "big") + _KIND + (32).to_bytes(4, "big")
_PEM_PREFIX = bytes.fromhex(
    "302a300506032b6570032100"
)  # SubjectPublicKeyInfo with the one algorithm identifier of RFC 8410
_PEM = re.compile(r"\s*-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*")
_LARGEST = 16_384  # characters


@dataclass(frozen=True)
class PublicKey:
    """A public key: its 32 bytes, and the comment that came with it."""

    raw: bytes
    comment: str = ""

    @property
    def fingerprint(self) -> str:
        """As ``ssh-keygen -l`` prints it: SHA-256 over what OpenSSH sends for the key."""
        return "SHA256:" + b64encode(hashlib.sha256(_SSH_PREFIX + self.raw).digest()).decode().rstrip("=")

    def to_openssh(self) -> str:
        """The line that OpenSSH keeps in ``.pub`` files."""
        return f"{_KIND.decode()} {b64encode(_SSH_PREFIX + self.raw).decode()} {self.comment}".strip()

    def to_pem(self) -> str:
        """The form that OpenSSL reads, without a newline at its end."""
        return f"-----BEGIN PUBLIC KEY-----\n{b64encode(_PEM_PREFIX + self.raw).decode()}\n-----END PUBLIC KEY-----"


def parse(text: str) -> PublicKey:
    """The public key that *text* is. Raises UsageError, also for keys of another kind."""
    if "PRIVATE KEY" in text:
        raise UsageError(
            "that is a private key, which nobody else may have", hint="give the public one: the file that ends in .pub"
        )
    if len(text) > _LARGEST:
        raise _no_key("it is too long")
    if pem := _PEM.fullmatch(text):
        return PublicKey(_raw(pem[1], _PEM_PREFIX))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if len(lines) != 1:
        raise _no_key("expected one line of OpenSSH, or PEM" if not lines else "there is more than one line in it")
    kind, _, rest = lines[0].strip().partition(" ")
    if kind != _KIND.decode():
        known = kind.startswith(("ssh-", "ecdsa-", "sk-"))
        raise UsageError(
            f"a key of the kind {kind} cannot be used, only ssh-ed25519" if known else "that is no public key",
            hint="make one with: mlproj key create, or ssh-keygen -t ed25519",
        )
    encoded, _, comment = rest.strip().partition(" ")
    return PublicKey(_raw(encoded, _SSH_PREFIX), comment.strip())


def _raw(encoded: str, prefix: bytes) -> bytes:
    try:
        blob = b64decode("".join(encoded.split()), validate=True)
    except (Error, ValueError):
        raise _no_key("it is damaged") from None
    if len(blob) != len(prefix) + 32 or not blob.startswith(prefix):
        raise _no_key("it is damaged or of another kind than Ed25519")
    return blob[len(prefix) :]


def _no_key(why: str) -> UsageError:
    return UsageError(f"that is no public key: {why}", hint="expected a line such as: ssh-ed25519 AAAA… name")
