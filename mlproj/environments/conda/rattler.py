"""py-rattler, which solves and installs conda packages. Nothing else imports it, and nothing here is loaded for what is
there."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from mlproj.environments.conda import local_file
from mlproj.environments.conda.locked import Package
from mlproj.environments.conda.tool import RATTLER, Access, ChannelUnreachable, Unsolvable
from mlproj.foundation import paths
from mlproj.foundation.errors import EnvironmentFailure, UsageError
from mlproj.foundation.redaction import mask_channel


class Rattler:
    """py-rattler, of which nothing is loaded before it is used."""

    name = RATTLER

    def can_leave_out_newer(self) -> bool:
        """It can."""
        return True

    def solve(
        self, addresses: Sequence[str], specs: Sequence[str], moment: datetime | None, access: Access
    ) -> list[Package]:
        """The packages that fulfil *specs*, each from the first of the channels that has any of its name (strict
        priority).

        Packages that came after *moment* are left out. Raises ChannelAway, Unsolvable.
        """
        import rattler
        from rattler.exceptions import GatewayError, InvalidMatchSpecError, SolverError

        # rattler looks for what fulfils a specification; with its name alone the first channel that has the name
        # counts, as in conda.
        names = [spec if "::" in spec else spec.split(" ")[0] for spec in specs]
        config = rattler.SourceConfig(cache_action="force-cache-only" if access.offline else "cache-or-fetch")
        gateway = rattler.Gateway(cache_dir=_cache("repodata"), default_config=config, client=_client(access))
        try:
            found = asyncio.run(
                rattler.solve(
                    [rattler.Channel(address) for address in addresses],
                    names,
                    constraints=[spec for spec in specs if "::" not in spec],
                    gateway=gateway,
                    platforms=[rattler.Subdir.current(), rattler.Subdir("noarch")],
                    virtual_packages=_virtual_packages(),
                    exclude_newer=moment,
                    # Old channels do not tell when their packages came; those are older than any that do.
                    timestamp_policy="allow-missing",
                )
            )
        except GatewayError as error:
            raise ChannelUnreachable(
                f"conda's channels cannot be read: {_message_of(error)}", hint=_unreachable_hint(access)
            ) from error
        except InvalidMatchSpecError as error:
            raise Unsolvable(f"conda cannot read what is asked for: {_message_of(error)}") from error
        except SolverError as error:
            raise Unsolvable(f"the conda packages cannot be solved: {_message_of(error)}", hint=_UNSOLVABLE) from error
        return [_package(record) for record in found]

    def install(self, packages: Sequence[Package], staging: Path, final: Path, access: Access) -> None:
        """Put *packages* into the folder *staging*, which will be moved to *final*. Raises EnvironmentFailure."""
        import rattler
        from rattler.exceptions import InstallerError

        local_file.check(packages)
        staging.parent.mkdir(parents=True, exist_ok=True)
        scratch = staging.parent / "record.json"
        records = [_record(package, scratch) for package in packages]
        scratch.unlink(missing_ok=True)
        try:
            asyncio.run(
                rattler.install(
                    records,
                    target_prefix=staging,
                    alternative_target_prefix=final,
                    cache_dir=_cache("packages"),
                    execute_link_scripts=False,
                    show_progress=False,
                    client=_client(access),
                )
            )
        except InstallerError as error:
            if access.offline and "is not asked" in str(error):
                message = (
                    "a conda package is not in the cache, and --offline was asked for:"
                    f" {_message_of(error).partition(':')[0]}"
                )
                raise EnvironmentFailure(message, hint=_unreachable_hint(access)) from error
            raise EnvironmentFailure(
                f"the conda packages cannot be installed: {_message_of(error)}", hint=_install_hint(str(error))
            ) from error

    def described(self, addresses: Iterable[str], access: Access) -> list[Package]:
        """The packages at explicit *addresses* (``URL#hash``): each is fetched for what it says of itself. Raises
        EnvironmentFailure."""
        from rattler.package_streaming import PackageArchive

        client = _client(access)

        async def fetch(address: str) -> Package:
            url, _, hashed = address.partition("#")
            local = local_file.path_of(url)
            archive = await (PackageArchive.from_path(local) if local else PackageArchive.from_url(client, url))
            record = json.loads(await archive.read_file("info/index.json") or b"{}")
            if hashed:
                record["sha256" if len(hashed) > _MD5_DIGITS else "md5"] = hashed.removeprefix("sha256:")
            return Package(url, url.rsplit("/", 2)[0], record)

        async def fetch_all() -> list[Package]:
            return list(await asyncio.gather(*(fetch(address) for address in addresses)))

        try:
            return asyncio.run(fetch_all())
        except Exception as error:  # rattler raises what its parts raise, which has no name of its own
            raise EnvironmentFailure(
                f"a package of the lock is not available: {_message_of(error)}", hint=_unreachable_hint(access)
            ) from error


def _client(access: Access) -> Any:
    """rattler's client."""
    import rattler
    from rattler.networking import AddHeadersMiddleware, AuthenticationMiddleware, RetryMiddleware

    if access.offline:
        return rattler.Client([AddHeadersMiddleware(_refuse)])
    return rattler.Client(
        [RetryMiddleware(), *access.credentials.middlewares(), AuthenticationMiddleware()], timeout=_TIMEOUT
    )


def _refuse(host: str, path: str) -> dict[str, str] | None:
    """Asked before each request; what it raises is what becomes of it."""
    raise ConnectionRefusedError(f"{host}{path} is not asked")


_TIMEOUT = 120  # seconds
_MD5_DIGITS = 32
_UNSOLVABLE = (
    "loosen a version, or add the channel that has the package; --as-of today solves with today's packages; "
    "--env-manager uv translates to Python packages"
)


def _virtual_packages() -> Sequence[Any]:
    """What this machine has: its system, C library, driver of a GPU, or what ``CONDA_OVERRIDE_…`` says. Raises
    UsageError."""
    import rattler

    try:
        return rattler.VirtualPackage.detect(rattler.VirtualPackageOverrides.from_env())
    except Exception as error:  # of several kinds, for a version that is none
        named = ", ".join(name for name in os.environ if name.startswith("CONDA_OVERRIDE_"))
        raise UsageError(
            f"this machine cannot be described to conda: {error}", hint=f"look at {named}" if named else None
        ) from error


def _package(record: Any) -> Package:
    return Package(str(record.url), str(record.channel), json.loads(record.to_json()))


def _record(package: Package, scratch: Path) -> Any:
    import rattler

    scratch.write_text(json.dumps(package.record), "utf-8")
    made = rattler.PackageRecord.from_index_json(scratch, package.record.get("size"), package.sha256, package.md5)
    return rattler.RepoDataRecord(made, package.url.rpartition("/")[2], package.url, package.channel)


def _cache(name: str) -> Path:
    """A folder that all environments share."""
    folder = paths.cache() / "conda" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _message_of(error: BaseException) -> str:
    """rattler's words without addresses' secrets; of a chain of causes the first and the last."""
    first, *causes = [line for line in str(error).strip().splitlines() if line.strip()] or [type(error).__name__]
    if causes and all(line.startswith("Caused by: ") for line in causes):
        return mask_channel(f"{first}: {causes[-1].removeprefix('Caused by: ')}")
    return mask_channel("\n  ".join([first, *causes]))


def _unreachable_hint(access: Access) -> str:
    if access.offline:
        return "run it once without --offline, so that what the channels have is in the cache"
    return "check the network and the channels' addresses; MLPROJ_CONDA_CHANNEL_ALIAS names a mirror"


def _install_hint(message: str) -> str | None:
    if re.search(r"No space left|os error 28", message):
        return "the disk is full: mlproj env prune --older-than 30d frees space, or set MLPROJ_CACHE to a larger disk"
    if "hash mismatch" in message.lower() or "sha256" in message.lower():
        return local_file.ANOTHER
    return None
