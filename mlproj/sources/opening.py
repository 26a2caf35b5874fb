"""From an address to a source: the kinds by name, built in or installed, imported only when chosen."""

from __future__ import annotations

from collections.abc import Callable

from mlproj.foundation import plugins
from mlproj.foundation.errors import SourceError, UsageError
from mlproj.sources.address import Address, detect
from mlproj.sources.base import Source

KINDS = {
    "folder": "mlproj.sources.folder:FolderSource",
    "git": "mlproj.sources.git:GitSource",
    "archive": "mlproj.sources.archive:ArchiveSource",
    "bundle": "mlproj.sources.package:BundleSource",
}


def open(uri: str) -> Source:
    """The source that *uri* names; nothing is fetched yet. The credentials in a URL stay in memory.

    Raises :class:`UsageError` for what can be no source, :class:`SourceError` for a path that is not there.
    """
    address = detect(uri)
    try:
        kind: Callable[[Address], Source] = plugins.load("mlproj.sources", address.kind, KINDS)
    except UsageError as error:
        raise SourceError(
            f"{address.masked} is no file or folder, and nothing installed knows sources that start with"
            f" {address.kind!r}",
            hint=(
                "known: a folder, an archive, a package, https://, http://, ssh://, git://, file://, git@host:path,"
                " git+…, gh:, gl:"
            ),
        ) from error
    return kind(address)
