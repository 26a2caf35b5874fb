"""Sources of R packages: fetched once, kept by address and content, and held to what the lock says."""

from __future__ import annotations

import errno
import hashlib
import http.client
import urllib.error
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlproj.environments.renv import description
from mlproj.environments.renv.record import Record
from mlproj.foundation import paths
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.digest import sha256_of_file, sha256_of_portions
from mlproj.foundation.errors import EnvironmentFailure, MlprojError
from mlproj.foundation.redaction import mask_url
from mlproj.http import fetcher
from mlproj.http.stream import portions

_LARGEST = 2 * 10**9  # bytes
_NOT_THERE = (403, 404, 410)  # some stores of files say 403 for what they do not have


@dataclass(frozen=True)
class Source:
    """The file of a package that is here, the address it is from (without secrets), and the packages it ``needs``."""

    record: Record
    path: Path
    url: str
    sha256: str
    needs: tuple[str, ...]


def obtain(record: Record, *, offline: bool) -> Source:
    """The source of *record*, from the cache or else from the first of its addresses that has it. Raises
    EnvironmentFailure."""
    found = _kept(record) or _fetched(record, offline=offline)
    if found is None:
        raise _missing(record, offline=offline)
    path, url = found
    try:
        return _checked(record, path, mask_url(url))
    except EnvironmentFailure:
        if path.parent == _folder():
            path.unlink(missing_ok=True)  # the next attempt asks again
        raise


def _checked(record: Record, path: Path, shown: str) -> Source:
    sha256 = sha256_of_file(path)
    if record.sha256 is not None and record.sha256 != sha256:
        raise EnvironmentFailure(
            f"{shown} has the SHA-256 {sha256}, and renv.lock says {record.sha256}",
            hint="it was replaced since that run; without the lock's part 'mlproj' it is taken as it is",
        )
    described = description.read(path, shown)
    if (described.name, described.version) != (record.name, record.version):
        message = (
            f"{shown} is {described.name} {described.version}, and renv.lock asks for {record.name} {record.version}"
        )
        raise EnvironmentFailure(message, hint="correct the record in renv.lock, or tell the repository's maintainer")
    return Source(record, path, shown, sha256, described.needs)


def _kept(record: Record) -> tuple[Path, str] | None:
    """What was fetched before and is whole; its name tells."""
    for url in record.addresses:
        for path in _folder().glob(f"{_name(url)}.*.tar.gz"):
            if path.name.split(".")[1] == sha256_of_file(path):
                return path, url
            path.unlink(missing_ok=True)
    return None


def _fetched(record: Record, *, offline: bool) -> tuple[Path, str] | None:
    for url in record.addresses:
        if url.startswith("file:"):
            path = Path(unquote(urlsplit(url).path))
            if path.is_file():
                return path, url
        elif not offline:
            downloaded = _download(record, url)
            if downloaded is not None:
                return downloaded, url
    return None


def _download(record: Record, url: str) -> Path | None:
    """The file at *url*, put into the cache; None when there is none."""
    try:
        address, headers = fetcher.without_login(url)
        with fetcher.opened(address, headers) as response, paths.temporary_folder(_folder(), ".new-") as work:
            digest = _written(response, work / "file", mask_url(url))
            target = place_of(url, digest)
            (work / "file").replace(target)
            return target
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in _NOT_THERE:
            return None
        reason = f"the server answers {error.code} {mask_url(str(error.reason))}"
        hint = (
            "put user:token@ before the host of the repository in renv.lock" if error.code == 401 else "try again later"
        )
    except MlprojError as error:
        reason, hint = error.message, "look at the repositories in renv.lock"
    except (OSError, http.client.HTTPException, ValueError) as error:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise  # reported by the caller, which knows what the disk is for
        reason, hint = (
            mask_url(str(getattr(error, "reason", None) or error)),
            "check the network and the proxy, then try again",
        )
    raise EnvironmentFailure(
        f"the R package {record.name} {record.version} cannot be downloaded from {mask_url(url)}: {reason}", hint=hint
    )


def _written(response: http.client.HTTPResponse, target: Path, shown: str) -> str:
    """The SHA-256 of what was written. Raises OSError when the connection broke off, SourceError for what is too
    large."""
    expected = response.headers.get("Content-Length", "")
    with target.open("wb") as file:
        digest, size = sha256_of_portions(portions(response, _LARGEST, shown), file.write)
    if expected.isdigit() and size < int(expected):
        raise OSError(f"the connection broke off after {size} of {expected} bytes")
    return digest


def _missing(record: Record, *, offline: bool) -> EnvironmentFailure:
    what = f"the R package {record.name} {record.version}"
    if offline and not all(url.startswith("file:") for url in record.addresses):
        return EnvironmentFailure(
            f"{what} is not in the cache, and --offline forbids to fetch it",
            hint="run it once without --offline, so that the packages are in the cache",
        )
    places = dict.fromkeys(mask_url(url.partition("/src/contrib/")[0]) for url in record.addresses)
    return EnvironmentFailure(
        f"{what} is not there: {', '.join(places)} does not have it",
        hint="check renv.lock for a typing mistake, or name the repository that has it under R.Repositories",
    )


def place_of(url: str, sha256: str) -> Path:
    """Where the file of *url* with this content is kept."""
    return _folder() / f"{_name(url)}.{sha256}.tar.gz"


def _folder() -> Path:
    return paths.downloads() / "r"


def _name(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:32]
