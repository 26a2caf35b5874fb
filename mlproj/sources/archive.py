"""An archive, local or downloaded: pinned by its digest, unpacked into a folder of the run's own."""

from __future__ import annotations

from pathlib import Path

from mlproj.foundation.errors import UsageError
from mlproj.foundation.redaction import mask_url
from mlproj.sources import workspace
from mlproj.sources.address import Address
from mlproj.sources.base import Checkout, Revision
from mlproj.sources.digest import digest_of
from mlproj.sources.unpack import unpack


class ArchiveSource:
    """A zip or tar file. One that came over http is kept by content, so that ``--offline`` finds it again."""

    def __init__(self, address: Address) -> None:
        self._place = address.place
        self._subdirectory = address.subdirectory
        self._file: Path | None = None

    def pin(self, version: str | None, *, offline: bool) -> Revision:
        """The archive as it is now, known by its SHA-256. It has no versions: raises :class:`UsageError` for one."""
        shown = mask_url(self._place)
        if version is not None:
            raise UsageError(
                f"version {version!r}: an archive has no versions", hint="leave -v out, or name the repository instead"
            )
        self._file, digest, notes = obtained(self._place, offline=offline)
        return Revision("archive", shown, subdirectory=self._subdirectory, digest=f"sha256:{digest}", notes=notes)

    def fetch(self, revision: Revision, *, isolated: bool) -> Checkout:  # noqa: ARG002  # it always is
        """The archive's files. A single folder at its top, as GitHub makes them, is the root."""
        assert self._file is not None
        folder, release = workspace.new()
        try:
            unpack(self._file, folder)
            root = _top(folder, self._subdirectory)
            project = workspace.inside(root, self._subdirectory)
        except BaseException:
            release()
            raise
        return Checkout(root, project, False, _never, release)


def obtained(place: str, *, offline: bool) -> tuple[Path, str, tuple[str, ...]]:
    """The file at *place*, a path or an http(s) URL, with its SHA-256 and what to tell of it. Raises SourceError,
    ServiceError."""
    if not place.lower().startswith(("http://", "https://")):
        return Path(place), digest_of(Path(place)), ()
    from mlproj.sources.download import download

    fetched = download(place, offline=offline)
    return fetched.path, fetched.digest, (fetched.note,) if fetched.note else ()


def _top(folder: Path, subdirectory: str) -> Path:
    """The root of what was unpacked; what macOS adds beside it does not count, nor does a *subdirectory* named from the
    very top."""
    entries = [entry for entry in folder.iterdir() if entry.name not in ("__MACOSX", ".DS_Store")]
    if len(entries) != 1 or not entries[0].is_dir() or entries[0].is_symlink():
        return folder
    named_from_top = subdirectory and not (entries[0] / subdirectory).exists() and (folder / subdirectory).exists()
    return folder if named_from_top else entries[0]


def _never(_: Path) -> None:
    return None
