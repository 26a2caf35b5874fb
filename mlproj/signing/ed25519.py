"""Signing and checking with Ed25519: the only file that knows the ``cryptography`` package."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.errors import ServiceError, UsageError
from mlproj.signing.public_key import PublicKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True)
class Signer:
    """A private key that never leaves this process, and the public one that goes with it."""

    public: PublicKey
    sign: Callable[[bytes], bytes] = field(repr=False)


def create(comment: str) -> tuple[Signer, bytes]:
    """A new key, and the private part as OpenSSH keeps it in a file, without a passphrase. Raises ServiceError."""
    _require()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    private = Ed25519PrivateKey.generate()
    return _signer(private, comment), private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def load(content: bytes, what: str, passphrase: Callable[[], str], comment: str = "") -> Signer:
    """The private key of OpenSSH in *content*; *passphrase* is asked where it needs one. Raises UsageError,
    ServiceError.

    *what* names the file in messages.
    """
    _require()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if b"PRIVATE KEY-----" not in content:
        raise UsageError(f"{what} is no private key of OpenSSH", hint="name the file without .pub")
    private = _loaded(content, what, passphrase)
    if not isinstance(private, Ed25519PrivateKey):
        kind = type(private).__name__.strip("_").removesuffix("PrivateKey")
        raise UsageError(
            f"{what} is a key of the kind {kind}, only Ed25519 can be used", hint="ssh-keygen -t ed25519 makes one"
        )
    return _signer(private, comment)


def _loaded(content: bytes, what: str, passphrase: Callable[[], str]) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    try:
        return load_ssh_private_key(content, None)
    except TypeError:  # it has a passphrase
        pass
    except UnsupportedAlgorithm as error:
        raise UsageError(
            f"{what} cannot be used: {error}", hint="only Ed25519 keys can: ssh-keygen -t ed25519 makes one"
        ) from None
    except ValueError:
        raise UsageError(f"{what} is no private key of OpenSSH, or it is damaged") from None
    try:
        return load_ssh_private_key(content, passphrase().encode())
    except UnsupportedAlgorithm as error:
        raise UsageError(f"{what} cannot be used: {error}", hint="pip install 'mlproj[sign]'") from None
    except ValueError:
        raise UsageError(f"the passphrase is not that of {what}") from None


def is_valid(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Whether *signature* is *key*'s of *message*. Raises ServiceError."""
    _require()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _signer(private: Ed25519PrivateKey, comment: str) -> Signer:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return Signer(PublicKey(raw, comment), private.sign)


def _require() -> None:
    from importlib.util import find_spec

    if find_spec("cryptography") is None:
        raise ServiceError(
            "signing needs the package cryptography, which is not installed", hint="pip install 'mlproj[sign]'"
        )
