"""The logins of package indexes, for files that we fetch ourselves: those of a declaration, of the user's settings and
of ``.netrc``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python import lock, package_index


class Logins:
    """``user:password``, as it stands in an address, by scheme, host and port."""

    def __init__(self, requirements: Requirements, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._known: dict[tuple[str, str], str] = {}
        for address, login in self._addresses(requirements):
            parts = urlsplit(address)
            userinfo, _, host = parts.netloc.rpartition("@")
            if login or userinfo:
                self._known.setdefault((parts.scheme, host), login or userinfo)

    def added_to(self, url: str) -> str:
        """*url* with the login that its server is known to want; one that has its own keeps it."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or "@" in parts.netloc:
            return url
        login = self._known.get((parts.scheme, parts.netloc)) or self._of_netrc(parts.hostname or "")
        return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc}")) if login else url

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
