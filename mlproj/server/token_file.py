"""The tokens of a server: a file beside its store that holds what is needed to recognise them, and not them.

A token is 256 random bits. Nobody finds such a number by trying, so that one round of SHA-256 keeps it as well as a
slow hash keeps a password, and costs a request a microsecond.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from mlproj.foundation import env_vars, file_lock, paths
from mlproj.foundation.errors import ServiceError, UsageError, did_you_mean
from mlproj.server.access import Scope

PREFIX = "mlproj_"
"""How tokens begin, so that people and scanners of secrets know them."""

_NAME = re.compile(r"[A-Za-z0-9][\w.@-]{0,63}", re.ASCII)


@dataclass(frozen=True)
class Token:
    """What is kept of a token. Times are UTC seconds."""

    name: str
    scope: str
    sha256: str
    created: int
    expires: int | None = None

    @property
    def expired(self) -> bool:
        """Whether its time is over."""
        return self.expires is not None and time.time() >= self.expires


def beside(store: str | None) -> Path:
    """The file with the tokens of the server of *store* (a URI; None: the usual one)."""
    chosen = store or env_vars.TRACKING_URI.get()
    if chosen is None:
        return paths.home() / "server-tokens.json"
    scheme, _, rest = chosen.partition(":///")
    if scheme == "sqlite":
        return Path(f"{Path(rest).absolute()}.tokens.json")
    place = re.sub(r"://[^/@]*@", "://", chosen)  # another password is no other store
    return paths.home() / f"server-tokens-{hashlib.sha256(place.encode()).hexdigest()[:16]}.json"


class TokenFile:
    """The tokens in one file, read again when it has changed: what was revoked is of no use from then on."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read: tuple[int, int, int] | None = None
        self._tokens: list[Token] = []

    def known(self) -> list[Token]:
        """All of them, the oldest first. Raises ServiceError when the file is damaged or others may write to it."""
        try:
            found = self._file.stat()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ServiceError(f"cannot read the tokens in {self._file}: {error.strerror}") from error
        if found.st_mode & 0o022:
            raise ServiceError(f"other users may write tokens to {self._file}", hint=f"chmod 600 {self._file}")
        if (state := (found.st_mtime_ns, found.st_ino, found.st_size)) != self._read:
            self._tokens, self._read = _load(self._file), state
        return self._tokens

    def scope_of(self, token: str) -> Scope | None:
        """What *token* is good for; None when it is unknown, revoked or expired."""
        digest = _digest(token)
        matching = [kept for kept in self.known() if hmac.compare_digest(kept.sha256, digest)]
        return Scope[matching[0].scope.upper()] if matching and not matching[0].expired else None

    def create(self, name: str, scope: Scope, expires_in: float | None) -> tuple[str, Token]:
        """A new token, to be shown once, and what is kept of it. *expires_in* is in seconds. Raises UsageError."""
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{name!r:.80} cannot be the name of a token: expected letters, digits and . _ @ -, at most 64"
            )
        secret = PREFIX + secrets.token_urlsafe(32)
        now = int(time.time())
        token = Token(name, scope.word, _digest(secret), now, None if expires_in is None else now + int(expires_in))
        with self._locked():
            tokens = self.known()
            if any(kept.name == name and not kept.expired for kept in tokens):
                raise UsageError(
                    f"there is a token {name!r} already",
                    hint=f"choose another name, or: mlproj server token revoke {name}",
                )
            self._save([*(kept for kept in tokens if kept.name != name), token])
        return secret, token

    def revoke(self, name: str) -> Token:
        """Remove a token. Raises UsageError when there is none of this name."""
        with self._locked():
            tokens = self.known()
            found = next((kept for kept in tokens if kept.name == name), None)
            if found is None:
                guess = did_you_mean(name, [kept.name for kept in tokens])
                raise UsageError(
                    f"there is no token {name!r:.80}" + (f"; did you mean {guess!r}?" if guess else ""),
                    hint="mlproj server token list",
                )
            self._save([kept for kept in tokens if kept is not found])
        return found

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with ExitStack() as held:
            try:
                held.enter_context(file_lock.locked(self._file.with_name(f"{self._file.name}.lock")))
            except OSError as error:
                raise ServiceError(f"cannot keep tokens in {self._file.parent}: {error.strerror}") from error
            yield

    def _save(self, tokens: list[Token]) -> None:
        text = json.dumps({"schema": 1, "tokens": [asdict(token) for token in tokens]}, indent=1) + "\n"
        draft = self._file.with_name(f".{self._file.name}.{os.getpid()}-{os.urandom(4).hex()}")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
                opened.write(text)
            draft.replace(self._file)
        except OSError as error:
            raise ServiceError(f"cannot write the tokens to {self._file}: {error.strerror}") from error
        finally:
            draft.unlink(missing_ok=True)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _load(file: Path) -> list[Token]:
    try:
        tokens = [Token(**fields) for fields in json.loads(file.read_text())["tokens"]]
        for token in tokens:
            Scope[token.scope.upper()]
            bytes.fromhex(token.sha256)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ServiceError(
            f"cannot read the tokens in {file}: {type(error).__name__}: {error}", hint="repair or remove the file"
        ) from error
    return tokens
