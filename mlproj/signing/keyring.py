"""The keys on this machine: the user's own, which sign, and those of others, whose signatures are believed.

In ``keys`` of mlproj's home: ``NAME.key`` and ``NAME.pub`` for each own key, as OpenSSH writes them, and
``trusted.json``.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from pathlib import Path

from mlproj.foundation import file_lock, paths
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import ServiceError, UsageError, did_you_mean
from mlproj.signing import ed25519, public_key
from mlproj.signing.ed25519 import Signer
from mlproj.signing.public_key import PublicKey

_FILE_NAME = re.compile(r"[A-Za-z0-9][\w.@-]{0,63}", re.ASCII)
_NAME = re.compile(r"[^\W_][\w .,'@+()-]{0,99}")


@dataclass(frozen=True)
class KnownKey:
    """A key by the name it has here; ``own`` tells that its private part is here too."""

    name: str
    key: PublicKey
    own: bool


class Keyring:
    """The keys of one home. Methods raise ServiceError when they cannot be read or written, UsageError for what is
    named wrongly."""

    def __init__(self) -> None:
        self.folder = paths.home() / "keys"
        self._trusted = self.folder / "trusted.json"

    def known(self) -> list[KnownKey]:
        """All keys, own ones first, by name."""
        try:
            own = [self._own(file) for file in sorted(self.folder.glob("*.pub"))]
            return own + [
                KnownKey(name, _parsed(line, self._trusted), own=False) for name, line in sorted(self._load().items())
            ]
        except OSError as error:
            raise ServiceError(f"the keys in {self.folder} cannot be read: {error.strerror}") from error

    def find(self, name: str) -> KnownKey:
        """The key called *name*, or with this fingerprint."""
        known = self.known()
        for one in known:
            if name in (one.name, one.key.fingerprint):
                return one
        guess = did_you_mean(name, [one.name for one in known])
        raise UsageError(
            f"there is no key {name!r:.100}" + (f"; did you mean {guess!r}?" if guess else ""),
            hint="mlproj key list shows those that are",
        )

    def create(self, name: str) -> KnownKey:
        """A new own key. Its private part can be read by its owner only, and has no passphrase."""
        if not _FILE_NAME.fullmatch(name):
            raise UsageError(
                f"{name!r:.80} cannot be the name of a key: expected letters, digits and . _ @ -, at most 64"
            )
        with self._changing():
            self._check_new(name, None)
            signer, private = ed25519.create(name)
            _write_private(self._private(name), private)
            paths.write_atomic(self.folder / f"{name}.pub", signer.public.to_openssh() + "\n")
        return KnownKey(name, signer.public, own=True)

    def trust(self, key: PublicKey, name: str) -> KnownKey:
        """Believe what *key* signed from now on, and call its owner *name*."""
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r:.110} cannot be the name of a key", hint="name its owner: --name WHO")
        with self._changing():
            self._check_new(name, key)
            self._save({**self._load(), name: key.to_openssh()})
        return KnownKey(name, key, own=False)

    def remove(self, name: str) -> KnownKey:
        """Forget a key; an own one for good."""
        with self._changing():
            found = self.find(name)
            if found.own:
                self._private(found.name).unlink(missing_ok=True)
                (self.folder / f"{found.name}.pub").unlink()
            else:
                self._save({other: line for other, line in self._load().items() if other != found.name})
        return found

    def signer(self, name: str | None) -> Signer:
        """The own key called *name*; None: the only one."""
        own = [one for one in self.known() if one.own]
        if name is None:
            if len(own) == 1:
                return self.signer(own[0].name)
            listed = ", ".join(one.name for one in own)
            raise UsageError(
                f"there are {len(own)} keys: {listed}" if own else "there is no key to sign with",
                hint="choose one with --key NAME" if own else "make one with: mlproj key create, or use --ssh-key FILE",
            )
        if not self.find(name).own:
            raise UsageError(f"the key {name!r} is somebody else's; only its owner can sign with it")
        file = self._private(self.find(name).name)
        try:
            if file.stat().st_mode & 0o077:
                raise ServiceError(f"other users may read the private key {file}", hint=f"chmod 600 {file}")
            return ed25519.load(file.read_bytes(), str(file), lambda: "", name)
        except OSError as error:
            raise ServiceError(f"the private key {file} cannot be read: {error.strerror}") from error

    def _private(self, name: str) -> Path:
        return self.folder / f"{name}.key"

    def _own(self, file: Path) -> KnownKey:
        return KnownKey(file.stem, _parsed(file.read_text("utf-8", "replace"), file), own=True)

    def _check_new(self, name: str, key: PublicKey | None) -> None:
        for one in self.known():
            if one.name == name:
                raise UsageError(
                    f"there is a key {name!r} already", hint=f"choose another name, or: mlproj key remove '{name}'"
                )
            if key and one.key.raw == key.raw:
                raise UsageError(f"that key is known already, as {one.name!r}")

    def _changing(self) -> _Changing:
        return _Changing(self.folder)

    def _save(self, keys: dict[str, str]) -> None:
        _write_private(
            self._trusted,
            (json.dumps({"schema": 1, "keys": keys}, indent=2, sort_keys=True) + "\n").encode(),
            replace=True,
        )

    def _load(self) -> dict[str, str]:
        try:
            if self._trusted.stat().st_mode & 0o022:
                raise ServiceError(f"other users may write keys to {self._trusted}", hint=f"chmod 600 {self._trusted}")
            content = json.loads(self._trusted.read_bytes())
        except FileNotFoundError:
            return {}
        except (ValueError, RecursionError) as error:
            raise ServiceError(f"{self._trusted} is damaged: {error}") from error
        keys = content.get("keys") if isinstance(content, dict) and content.get("schema") == 1 else None
        if not isinstance(keys, dict) or not all(isinstance(line, str) for line in keys.values()):
            raise ServiceError(f"{self._trusted} is not of the form that this version writes")
        return keys


def _parsed(line: str, file: Path) -> PublicKey:
    try:
        return public_key.parse(line)
    except UsageError as error:
        raise ServiceError(f"{file} is damaged: {error}") from error


class _Changing:
    """Alone with the keys while the block lasts. Turns the system's errors into ours."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = file_lock.locked(folder / ".lock")

    def __enter__(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock.__enter__()
        except OSError as error:
            raise ServiceError(f"{self._folder} cannot be written: {error.strerror}") from error

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._lock.__exit__(None, None, None)
        if isinstance(error, OSError):
            raise ServiceError(f"{self._folder} cannot be written: {error.strerror}") from error


def _write_private(file: Path, content: bytes, *, replace: bool = False) -> None:
    """Make *file*, whole and for its owner only; one that is there is an error unless *replace*. Raises OSError."""
    draft = file.with_name(f".{file.name}.{os.getpid()}-{os.urandom(4).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
        if replace:
            draft.replace(file)
        else:
            os.link(draft, file)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
