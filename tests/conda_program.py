"""A program with conda's command line, for machines that have no conda: py-rattler does the work, for real.

What conda itself does with the same command lines is tested where there is one: ``MLPROJ_TEST_CONDA`` names it (or
several, separated by colons).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import stat
import sys
from pathlib import Path


def genuine() -> list[str]:
    """Paths of genuine ones that the user of the tests names."""
    return [path for path in os.environ.get("MLPROJ_TEST_CONDA", "").split(":") if path]


def install(folder: Path, name: str = "conda") -> Path:
    """Put the program into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def main() -> int:
    parser = argparse.ArgumentParser(prog="conda")
    for flag in ("--dry-run", "--json", "--yes", "--quiet", "--override-channels", "--offline"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--channel", action="append", default=[])
    parser.add_argument("--file")
    if "KNOWS_DATES" in os.environ:
        parser.add_argument("--exclude-newer")
    command, *arguments = sys.argv[1:]
    end = arguments.index("--") if "--" in arguments else len(arguments)
    asked = parser.parse_args(arguments[:end])
    asked.specs = arguments[end + 1 :]
    assert command == "create"
    if told := os.environ.get("CONDA_PROGRAM_CALLS"):
        with Path(told).open("a") as stream:
            stream.write(json.dumps(arguments) + "\n")
    assert os.environ["CONDA_CHANNEL_PRIORITY"] == "strict" and os.environ["CONDA_PKGS_DIRS"]
    return _install(asked) if asked.file else _solve(asked)


def _solve(asked: argparse.Namespace) -> int:
    import rattler

    from mlproj.environments.conda.credentials import Credentials
    from mlproj.environments.conda.rattler import Rattler
    from mlproj.environments.conda.tool import Access, ChannelUnreachable, Unsolvable

    assert asked.dry_run and asked.json and asked.override_channels
    channels = [rattler.Channel(name).base_url.rstrip("/") for name in asked.channel]
    try:
        from datetime import datetime

        moment = getattr(asked, "exclude_newer", None)
        found = Rattler().solve(
            channels,
            asked.specs,
            datetime.fromisoformat(moment.replace("Z", "+00:00")) if moment else None,
            Access(Credentials(), asked.offline),
        )
    except Unsolvable as error:
        print(json.dumps({"exception_name": "UnsatisfiableError", "message": error.message}))
        return 1
    except ChannelUnreachable as error:
        print(json.dumps({"exception_name": "CondaHTTPError", "message": error.message}))
        return 1
    fetch = [{**one.record, "url": one.url, "channel": one.channel} for one in found]
    link = [{"dist_name": "-".join((one.name, one.version, one.record["build"])), "name": one.name} for one in found]
    print(
        json.dumps(
            {"success": True, "dry_run": True, "actions": {"FETCH": fetch, "LINK": link, "PREFIX": asked.prefix}}
        )
    )
    return 0


def _install(asked: argparse.Namespace) -> int:
    import rattler

    from mlproj.environments.conda.credentials import Credentials
    from mlproj.environments.conda.rattler import Rattler
    from mlproj.environments.conda.tool import Access

    access = Access(Credentials(), asked.offline)
    lines = [line for line in Path(asked.file).read_text().splitlines() if "://" in line]
    described = Rattler().described([line.partition("#")[0] for line in lines], access)
    records = []
    for package in described:
        scratch = Path(f"{asked.prefix}.json")
        scratch.write_text(json.dumps(package.record))
        made = rattler.PackageRecord.from_index_json(scratch, None, None, None)
        scratch.unlink()
        records.append(rattler.RepoDataRecord(made, package.url.rpartition("/")[2], package.url, package.channel))
    packages = Path(os.environ["CONDA_PKGS_DIRS"])
    try:
        asyncio.run(rattler.install(records, target_prefix=asked.prefix, cache_dir=packages, show_progress=False))
    except Exception as error:
        print(json.dumps({"exception_name": "LinkError", "message": str(error)}))
        return 1
    print(json.dumps({"success": True}))
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # threads of py-rattler that go on while Python ends crash it now and then
