"""Images: pulled or built, then identified by their content and not by a tag, which may move."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from mlproj.environments.containers.engine import Engine, hint_of_full_disk, is_own
from mlproj.environments.containers.settings import WORKDIR, Build, Settings
from mlproj.foundation import paths
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.locked import Locked
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import redact

_LABEL = "mlproj.image"
REPOSITORY = "mlproj-image"
"""The name of images that are built for a run, so that people see whose they are; a tag is the beginning of the id."""

LOCK = "image.json"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # of an image that names none
_LINES_SHOWN = 12  # last lines of a build that failed


@dataclass(frozen=True)
class Image:
    """An image that the engine has. ``id`` is what it contains (``sha256:…``); ``digest`` is the name under which its
    registry gives exactly this one (``name@sha256:…``), None for one that was made here.
    ``user`` is whom it runs as by itself, ``path`` where it looks for programs, ``entry_point`` its ENTRYPOINT: the
    program that its containers start, which gets the command."""

    name: str
    id: str
    digest: str | None = None
    platform: str | None = None
    user: str = ""
    path: str = _PATH
    entry_point: tuple[str, ...] = ()


def label(cache: Path | None = None) -> str:
    """The label of the images that we make, with the *cache* that they belong to (None: ours)."""
    return f"{_LABEL}={cache or paths.cache()}"


def find(engine: Engine, name: str) -> Image | None:
    """The image *name* of the engine, None when it has to be pulled."""
    found = engine.inspect("image", name)
    if found is None:
        return None
    identity = str(found.get("Id", ""))
    identity = identity if identity.startswith("sha256:") else f"sha256:{identity}"  # podman leaves it out
    platform = "/".join(str(found[key]) for key in ("Os", "Architecture", "Variant") if found.get(key))
    config = found.get("Config") or {}
    variables = dict(str(one).partition("=")[::2] for one in config.get("Env") or ())
    path = variables.get("PATH") or _PATH
    user, entry_point = str(config.get("User") or ""), _words(config.get("Entrypoint"))
    return Image(name, identity, _digest(name, found), platform or None, user, path, entry_point)


def _words(value: Any) -> tuple[str, ...]:
    """An ENTRYPOINT; engines write none in several ways, and older ones one program as a text."""
    words = [value] if isinstance(value, str) else value or ()
    return tuple(map(str, words)) if any(words) else ()


def obtain(
    engine: Engine, settings: Settings, progress: Progress, *, rebuild: bool, offline: bool
) -> tuple[Image, bool]:
    """The image that *settings* ask for, and whether it was there already. *rebuild* asks the registry again, and
    builds anew.

    Raises EnvironmentFailure.
    """
    if settings.build is not None:
        return _build(engine, settings.build, settings.platform, progress, rebuild=rebuild), False
    assert settings.image is not None
    there = find(engine, settings.image)
    # No registry has what was made here, and under a digest it has the same for ever.
    asks_again = rebuild and (there is None or (there.digest is not None and there.digest != settings.image))
    pull = "never" if offline else "always" if asks_again else settings.pull
    if there is not None and pull != "always" and _is_for(there, settings.platform):
        return there, True
    if pull == "never":
        why = "--offline" if offline else "docker_env says pull: never"
        raise EnvironmentFailure(
            f"the image {settings.image} is not on this machine, and {why}", hint=f"{engine.name} pull {settings.image}"
        )
    _pull(engine, settings.image, settings.platform, progress)
    pulled = find(engine, settings.image)
    if pulled is None:
        raise lost(engine, f"pulled {settings.image}")
    return pulled, False


def with_files(engine: Engine, image: Image, project_dir: Path, progress: Progress) -> Image:
    """An image of *image* and a copy of the project's files. Raises EnvironmentFailure."""
    with tempfile.TemporaryDirectory(prefix="mlproj-build-") as folder:
        dockerfile = Path(folder, "Dockerfile")
        # MLflow's instructions, so that programs find their files where they are used to.
        dockerfile.write_text(f"FROM {image.id}\nCOPY . {WORKDIR}/\nWORKDIR {WORKDIR}\n", "utf-8")
        return _build(engine, Build(project_dir, dockerfile), None, progress, rebuild=False)


def keep_lock(engine: Engine, image: Image, locked: Locked | None) -> Path:
    """Write the file that identifies the image, to be kept with the run, and return its path. For the image that was
    *locked* before, it is the file of then."""
    if locked is not None and locked.lock is not None and locked.image.get("id") == image.id:
        return locked.lock
    content = {
        "schema": 1,
        "image": image.name,
        "id": image.id,
        "digest": image.digest,
        "platform": image.platform,
        "engine": engine.name,
        "engine_version": engine.version,
    }
    folder = paths.cache() / "images" / image.id.removeprefix("sha256:")
    folder.mkdir(parents=True, exist_ok=True)
    paths.write_atomic(folder / LOCK, json.dumps(content, indent=2) + "\n")
    return folder / LOCK


def _digest(name: str, found: dict[str, Any]) -> str | None:
    """The digest of the repository that *name* names; an image may have come from several."""
    bare = name.partition("@")[0]
    repository = bare.rpartition(":")[0] if ":" in bare.rpartition("/")[2] else bare
    digests = [str(one) for one in found.get("RepoDigests") or () if "@sha256:" in str(one)]
    fitting = [one for one in digests if one.partition("@")[0].endswith(repository)]
    # podman makes up digests for images that were never in a registry.
    return next((one for one in fitting if not one.startswith("localhost/")), None)


def _is_for(image: Image, platform: str | None) -> bool:
    return platform is None or image.platform is None or image.platform.startswith(platform)


def _pull(engine: Engine, name: str, platform: str | None, progress: Progress) -> None:
    with progress.step(f"pulling the image {name}"):
        chosen = ["--platform", platform] if platform else []
        done = engine.run("pull", "--quiet", *chosen, name)
    if done.returncode:
        raise EnvironmentFailure(
            f"the image {name} cannot be pulled: {_reason(done.error_text)}", hint=_pull_hint(engine, done.error_text)
        )


def _pull_hint(engine: Engine, output: str) -> str:
    if full := hint_of_full_disk(engine, output):
        return full
    lowered = output.lower()
    if any(word in lowered for word in ("denied", "unauthorized", "authentication", "401", "403")):
        return f"log in where it is kept: {engine.name} login REGISTRY; or check the spelling of its name"
    if any(word in lowered for word in ("manifest unknown", "not found", "404", "no matching manifest")):
        return "check the spelling of its name and tag"
    return "is its registry reachable? An image that is on this machine needs none"


def _build(engine: Engine, build: Build, platform: str | None, progress: Progress, *, rebuild: bool) -> Image:
    with tempfile.TemporaryDirectory(prefix="mlproj-build-") as folder:
        id_file = Path(folder, "image")
        # Values of arguments may be secret: they are given by the environment of the engine's program, not on its
        # command line,
        # but for names that the program itself goes by.
        by_name = {
            name: value for name, value in build.args.items() if not is_own(name) or name.lower().endswith("_proxy")
        }
        named = [
            f"--build-arg={name}" if name in by_name else f"--build-arg={name}={value}"
            for name, value in build.args.items()
        ]
        words = ["build", "--file", str(build.dockerfile), "--iidfile", str(id_file), "--label", label(), *named]
        words += (
            ["--force-rm"] if engine.name != "nerdctl" else []
        )  # docker's older builder keeps what a failed step ran in
        words += ["--target", build.target] if build.target else []
        words += ["--platform", platform] if platform else []
        words += ["--no-cache", "--pull"] if rebuild else []
        more = (
            by_name if engine.name != "docker" else {**by_name, "DOCKER_BUILDKIT": "1" if engine.has_buildkit else "0"}
        )
        with progress.step(f"building the image of {build.dockerfile.name}"):
            done = engine.run(*words, str(build.context), env=more)
        output = [line for line in (*done.text.splitlines(), *done.error_text.splitlines()) if line.strip()]
        if done.returncode or not id_file.is_file():
            raise EnvironmentFailure(
                f"the image cannot be built from {build.dockerfile.name}:\n"
                + "\n".join(f"  {redact(line)}" for line in output[-_LINES_SHOWN:]),
                hint=hint_of_full_disk(engine, done.error_text)
                or "correct the Dockerfile; its instructions run in a container of their own",
            )
        identity = id_file.read_text("utf-8").strip()
    built = find(engine, identity)
    if built is None:
        raise lost(engine, "built an image")
    engine.run("tag", built.id, f"{REPOSITORY}:{built.id.removeprefix('sha256:')[:12]}")
    return built


def lost(engine: Engine, did: str) -> EnvironmentFailure:
    """The error for an image that was there a moment ago and is gone."""
    return EnvironmentFailure(f"{engine.name} {did} and no longer has it", hint="another program may have removed it")


def _reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip() and not line.startswith("Trying to pull")]
    return (
        redact(lines[-1].removeprefix("Error: ").removeprefix("Error response from daemon: "))
        if lines
        else "the engine gave no reason"
    )
