"""The logins of package indexes and of addresses that are installed from: those of a declaration, of the user's
settings and of ``.netrc``. They are for files that we fetch ourselves, and for locks, which keep none."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python import lock, package_index
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.redaction import MASK

_MASKED = re.compile(rf"(?P<scheme>[a-z]+)://{re.escape(MASK)}@(?P<rest>[^\s\"';,}}]+)", re.IGNORECASE)
_DIRECT = re.compile(r"(?P<scheme>[a-z]+)://(?P<login>[^\s/?#]*)@(?P<rest>[^\s;]+)", re.IGNORECASE)
_UNSET = re.compile(r"\$\{(\w+)\}")
_HINT = "name it in the project's file again, as ${VARIABLE} or in full, or in ~/.netrc"


class Logins:
    """``user:password``, as it stands in an address, by scheme, host and port."""

    def __init__(self, requirements: Requirements, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._known: dict[tuple[str, str], str] = {}
        for address, login in self._addresses(requirements):
            with suppress(ValueError):  # what is no address has no login; who asks it says what is wrong with it
                parts = urlsplit(address)
                userinfo, _, host = parts.netloc.rpartition("@")
                if login or userinfo:
                    self._known.setdefault((parts.scheme, host), login or userinfo)
        self._direct = [found for one in requirements.with_login if (found := _DIRECT.search(one))]

    def added_to(self, url: str) -> str:
        """*url* with the login that its server is known to want; one that has its own keeps it."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or "@" in parts.netloc:
            return url
        login = self._known.get((parts.scheme, parts.netloc)) or self._of_netrc(parts.hostname or "")
        return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc}")) if login else url

    def restored(self, text: str) -> str:
        """*text* of a lock with the logins that are masked in its addresses. Raises EnvironmentFailure for one that
        nothing names any more."""
        return _MASKED.sub(self._with_login, text) if f"://{MASK}@" in text else text

    def _with_login(self, masked: re.Match[str]) -> str:
        scheme, rest = masked["scheme"], masked["rest"]
        host = _host(rest)
        there = [one for one in self._direct if (one["scheme"], _host(one["rest"])) == (scheme, host)]
        nearest = max(there, key=lambda one: _alike(one["rest"], rest), default=None)
        known = nearest["login"] if nearest else self._known.get((scheme, host))
        login = known or self._of_netrc(host.partition(":")[0])
        if login is None:
            message = f"the login for {scheme}://{rest} is kept in no lock, and nothing else names it"
            raise EnvironmentFailure(message, hint=_HINT)
        if unset := _UNSET.search(login):
            raise EnvironmentFailure(
                f"the environment variable {unset[1]}, the login for {scheme}://{rest}, is not set",
                hint=f"export {unset[1]}=…",
            )
        return f"{scheme}://{login}@{rest}"

    def _addresses(self, requirements: Requirements) -> Iterator[tuple[str, str | None]]:
        """Addresses of indexes, and the login of one where it stands elsewhere."""
        for name, value in lock.option_pairs(requirements.options):
            if name in lock.INDEX_OPTIONS and value:
                yield value, None
        for index in requirements.settings.get("index", []):
            yield str(index.get("url", "")), self._of_variables(str(index.get("name", "")))
        given = {**self._environ, **package_index.settings(self._environ)}
        for variable in ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"):
            for word in re.split(r"[\s,]+", given.get(variable, "")):
                name, _, address = word.rpartition("=") if re.match(r"[\w.-]+=\w+://", word) else ("", "", word)
                yield address, self._of_variables(name)

    def _of_variables(self, name: str) -> str | None:
        """The login that uv takes for an index of this *name*
        (https://docs.astral.sh/uv/concepts/indexes/#providing-credentials-directly)."""
        called = re.sub(r"[^A-Z0-9]", "_", name.upper())
        user, password = (self._environ.get(f"UV_INDEX_{called}_{part}", "") for part in ("USERNAME", "PASSWORD"))
        return f"{quote(user, safe='')}:{quote(password, safe='')}" if name and (user or password) else None

    def _of_netrc(self, host: str) -> str | None:
        import netrc

        file = Path(self._environ.get("NETRC") or Path.home() / ".netrc")
        try:
            found = netrc.netrc(str(file)).authenticators(host)
        except (OSError, netrc.NetrcParseError):
            return None
        return f"{quote(found[0], safe='')}:{quote(found[2] or '', safe='')}" if found else None


def _host(rest: str) -> str:
    """The host and port that what follows a login in an address begins with."""
    return re.split(r"[/?#]", rest, maxsplit=1)[0]


def _alike(one: str, other: str) -> int:
    """With how many same characters two addresses begin."""
    return next((at for at, pair in enumerate(zip(one, other, strict=False)) if len({*pair}) > 1), len(other))
