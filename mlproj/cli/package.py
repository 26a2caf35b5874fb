"""``mlproj package``: one file with a project, or a run of one, that a colleague can run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlproj.cli import complete, lost_folder, options
from mlproj.cli.output import print_document, print_lines
from mlproj.cli.reporter import make_reporter
from mlproj.foundation.errors import UsageError

if TYPE_CHECKING:
    from mlproj.foundation.progress import Progress
    from mlproj.package import Made, PackageRequest


@click.command("package")
@click.argument("what", metavar="URI|RUN|MODEL", shell_complete=complete.projects)
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="The file, NAME.mlproj."
)
@click.option(
    "--image", metavar="NAME[:TAG]", help="Make an image of this name instead, which docker run (or podman run) runs."
)
@click.option(
    "--base",
    metavar="IMAGE",
    help="With --image: the image that the environment is made in. Default: one that fits it.",
)
@click.option(
    "-e",
    "--entry-point",
    metavar="NAME",
    help="Entry point of a project whose environment comes along. Default: main, else the first.",
)
@click.option("--offline", is_flag=True, help="Put in all packages and the Python, for machines without network.")
@click.option(
    "--platform",
    "others",
    metavar="NAMES",
    default="",
    help="With --offline: packages for these, too, as linux/amd64,linux/arm64.",
)
@click.option(
    "--include",
    metavar="NAME",
    multiple=True,
    help="Put in this file although it may hold secrets (.env, *.pem …); a pattern, repeatable.",
)
@click.option("--no-python", is_flag=True, help="With --offline: leave the Python out.")
@click.option("--force", is_flag=True, help="Replace the file or the image when it is there.")
@options.revision
@options.verbosity
@options.as_json
def command(
    what: str,
    output: Path | None,
    image: str | None,
    base: str | None,
    force: bool,
    verbosity: int,
    as_json: bool,
    **flags: Any,
) -> None:
    """Put a project, or a recorded run of one, into one file: its files at a revision, the lock of its environment,
    where it came from; or into an image that has all it needs to run.

    URI is a project as mlproj run takes it. RUN is a run's id or the beginning of it, its name, or "last"; its
    parameters and inputs come along. mlproj run FILE runs it, mlproj verify FILE checks it. The same content gives the
    same bytes. MODEL is one as mlproj models serve takes it (a folder with an MLmodel, models:/…, runs:/…); the file
    has it with its environment, and mlproj models serve FILE serves it.
    """
    from mlproj.cli import package_model
    from mlproj.running.interruption import listening

    lost_folder.leave(what, output)
    is_model = package_model.is_model(what)
    reporter = make_reporter(verbosity, json=as_json)
    if image is not None or output is None:
        from mlproj.cli import package_image

        if is_model:
            raise UsageError("this is a model", hint="mlproj models package --image makes an image that serves it")
        name = package_image.checked(image, output, flags)
        return package_image.make(_wanted(what, **flags), name, base, reporter, force=force, as_json=as_json)
    if base is not None:
        raise UsageError("--base goes with --image")
    _check(output, force, flags)
    with listening():
        made = package_model.make(what, output, flags, reporter) if is_model else _made(what, output, flags, reporter)
    for note in made.notes:
        reporter.warn(note)
    if as_json:
        return print_document({"package": _document(made)})
    return print_lines(_description(made))


def _made(what: str, output: Path, flags: dict[str, Any], reporter: Progress) -> Made:
    from mlproj import package

    return package.make(_wanted(what, **flags), output, reporter)


def _check(output: Path, force: bool, flags: dict[str, Any]) -> None:
    from mlproj.sources.address import BUNDLE_SUFFIX

    if output.suffix != BUNDLE_SUFFIX:
        raise UsageError(
            f"the name of a package ends with {BUNDLE_SUFFIX}, and {output.name!r} does not",
            hint=f"-o {output.stem}{BUNDLE_SUFFIX}",
        )
    if not output.absolute().parent.is_dir():
        raise UsageError(f"the folder of {output} is not there")
    if output.exists() and not force:
        raise UsageError(f"{output} is there already", hint="--force replaces it")
    if not flags["offline"] and (flags["others"] or flags["no_python"]):
        raise UsageError("--platform and --no-python go with --offline")


def _wanted(
    what: str,
    *,
    entry_point: str | None,
    offline: bool,
    others: str,
    no_python: bool,
    include: tuple[str, ...],
    version: str | None,
) -> PackageRequest:
    from mlproj import package
    from mlproj.foundation import platforms
    from mlproj.running.plan import RunRequest

    content: dict[str, Any] = {
        "offline": offline,
        "others": tuple(platforms.parse(others)),
        "python": not no_python,
        "include": include,
    }
    if os.path.lexists(what.partition("#")[0]) or any(sign in what for sign in "/:#"):
        return package.PackageRequest(RunRequest(what, version=version, entry_point=entry_point), **content)
    from mlproj.cli.recorded import find, opened_store
    from mlproj.reproduction import original

    if version or entry_point:
        raise UsageError(
            "-v and -e are for projects; a run has its own", hint=f"for the project in the folder {what}: ./{what}"
        )
    with opened_store() as store:
        return package.wanted_run(original.load(find(store, what)), **content)


def _document(made: Made) -> dict[str, Any]:
    manifest = made.manifest
    return {
        "file": str(made.file),
        "size": made.size,
        "digest": made.digest,
        "files": len(manifest.members),
        "source": dict(manifest.source),
        "environment": manifest.environment,
        "locks": dict(manifest.locks),
        "offline": sorted(manifest.offline),
        "python": manifest.python,
        "notes": list(made.notes),
    }


def _description(made: Made) -> str:
    from mlproj.foundation import platforms
    from mlproj.foundation.quantity import size

    manifest = made.manifest
    offline = ", ".join(platforms.shown(name) for name in sorted(manifest.offline))
    parts = [f"{len(manifest.members)} files, {size(made.size)}"]
    if offline:
        parts.append(
            f"with all packages for {offline}"
            + (f" and Python {manifest.python['version']}" if manifest.python else "")
        )
    return f"{made.file}: {'; '.join(parts)}"
