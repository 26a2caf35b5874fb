"""``pylock.toml`` (PEP 751): resolved first, then installed, so that the environment is what its lock says."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python.interpreter import Interpreter
from mlproj.environments.python.python_choice import SETTLED, released
from mlproj.environments.python.uv import Uv, failure, option_words
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.redaction import mask_url

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
# pkg_resources, which so many packages import, left setuptools with version 82.
SEEDS = {"pip": "pip", "setuptools": "setuptools<82", "wheel": "wheel"}


@dataclass(frozen=True)
class Ask:
    """What is to be resolved: for which interpreter, from what time, and which packages must come as wheels.

    ``undated`` are packages that the moment does not bound, because their index does not tell when they came.
    ``platform`` is another one than this machine's, in uv's words.
    """

    requirements: Requirements
    interpreter: Interpreter
    moment: datetime | None = None
    only_binary: frozenset[str] = field(default=frozenset())
    undated: frozenset[str] = field(default=frozenset())
    platform: str | None = None


def name_of(requirement: str) -> str | None:
    """The normalised name (PEP 503) that a requirement begins with, None for a path or bare URL."""
    if "://" in requirement.partition("@")[0] or requirement.startswith(("/", ".", "file:")):
        return None
    match = _NAME.match(requirement)
    return normalise(match[1]) if match else None


def normalise(name: str) -> str:
    """A package name as PEP 503 compares them."""
    return re.sub(r"[-_.]+", "-", name).lower()


def direct_names(requirements: Requirements) -> list[str]:
    """The names that a declaration itself asks for."""
    names = (name_of(package) for package in requirements.packages)
    return sorted({name for name in names if name is not None})


def requirement_lines(requirements: Requirements) -> list[str]:
    """The declaration in the words of a requirements file; pip, setuptools and wheel are seeded where it names none."""
    # uv does not install a repository in place; a copy of the same commit does the same for a run.
    remote = [editable for editable in requirements.editables if not editable.startswith("/")]
    packages = [*requirements.build_dependencies, *requirements.packages, *remote]
    named = {name_of(package) for package in packages}
    seeds = [seed for name, seed in SEEDS.items() if name not in named]
    for package in [*packages, *requirements.constraints]:
        if "\n" in package or "\r" in package or package.lstrip().startswith("-"):
            raise EnvironmentFailure(
                f"{package!r} is no requirement", hint="a requirement is a name with an optional version, or a URL"
            )
    return [
        *option_lines(requirements.options),
        *(_as_url(package) for package in packages),
        *(f"-e {_as_url(folder)}" for folder in requirements.editables if folder.startswith("/")),
        *seeds,
    ]


def _as_url(requirement: str) -> str:
    path, mark, hashes = requirement.partition(" --hash")
    return f"{Path(path).as_uri()}{mark}{hashes}" if requirement.startswith("/") else requirement


# Options of pip that a requirements file may hold and uv reads there with the same meaning.
_IN_FILE = frozenset(("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--no-binary", "--only-binary"))
_WITH_VALUE = frozenset((*_IN_FILE, "--trusted-host", "--config-settings", "-C", "--use-feature"))


def _words(options: Sequence[str]) -> list[tuple[str, str | None]]:
    """Options with their values, ``--name=value`` taken apart."""
    pairs: list[tuple[str, str | None]] = []
    rest = list(options)
    while rest:
        word = rest.pop(0)
        if word.startswith("--") and "=" in word:
            name, _, value = word.partition("=")
            pairs.append((name, value))
        else:
            pairs.append((word, rest.pop(0) if word in _WITH_VALUE and rest else None))
    return pairs


def option_lines(options: Sequence[str]) -> list[str]:
    """The options that belong into a requirements file, one a line."""
    lines = [f"{name} {value}" for name, value in _words(options) if name in _IN_FILE and value]
    return [*lines, *(["--no-index"] if "--no-index" in options else [])]


def _flags(options: Sequence[str]) -> list[str]:
    """Command-line flags of uv for options that its requirements files do not know."""
    pairs = _words(options)
    hosts = [value for name, value in pairs if name == "--trusted-host" and value]
    # pip looks at all indexes and takes the best version; a declaration with extra indexes counts on that.
    several = any(name in ("--extra-index-url", "-f", "--find-links") for name, _ in pairs)
    return [
        *option_words("--allow-insecure-host", hosts),
        *(["--prerelease", "allow"] if any(name == "--pre" for name, _ in pairs) else []),
        *(["--index-strategy", "unsafe-best-match"] if several else []),
    ]


def resolve(uv: Uv, ask: Ask, hint: str | None = None) -> str:
    """The lock for *ask*, as text. Raises :class:`EnvironmentFailure` with the resolver's reason."""
    said = try_resolve(uv, ask)
    if isinstance(said, str):
        return said
    reason = "\n".join(line for line in said.text.splitlines() if not _UNDATED.search(line))
    raise failure("the packages cannot be resolved" + _as_of(ask.moment), reason, hint=hint)


@dataclass(frozen=True)
class Refusal:
    """Why uv found no solution, in its own words."""

    text: str


def try_resolve(uv: Uv, ask: Ask) -> str | Refusal:
    """The lock for *ask*, or why there is none."""
    from mlproj.environments.python import declared_hash

    if "--prefer-binary" in ask.requirements.options:
        # uv has no such wish. Wheels of everything, even of an older release, are what it asks for where there are any.
        preferred = _try_once(uv, replace(ask, only_binary=ask.only_binary | {":all:"}))
        found = _try_once(uv, ask) if isinstance(preferred, Refusal) else preferred
    else:
        found = _try_once(uv, ask)
    return found if isinstance(found, Refusal) else declared_hash.only_declared(ask.requirements, found)


def _try_once(uv: Uv, ask: Ask) -> str | Refusal:
    from mlproj.environments.python import legacy_metadata

    refusal = _compile(uv, ask)
    for _ in range(legacy_metadata.MOST_CORRECTIONS):
        if refusal is None:
            break
        undated = _undated(refusal, ask)
        if undated:
            uv.progress.note(
                f"the index of {', '.join(sorted(undated))} does not tell upload dates; taken without regard to the"
                " date"
            )
            ask = replace(ask, undated=ask.undated | undated)
        elif not legacy_metadata.correct(uv, refusal.text, ask):
            break
        refusal = _compile(uv, ask)
    return refusal or _with_fitting_numpy(uv, ask, (uv.folder / "pylock.toml").read_text("utf-8"))


def _with_fitting_numpy(uv: Uv, ask: Ask, text: str) -> str:
    """*text*, or the lock with NumPy 1 where wheels in it were compiled for that; a declaration that wants NumPy 2
    keeps it."""
    from mlproj.environments.python import numpy_abi

    broken = numpy_abi.broken_by_numpy_2(packages(text))
    if not broken:
        return text
    bounded = replace(ask.requirements, constraints=(*ask.requirements.constraints, numpy_abi.CONSTRAINT))
    if _compile(uv, replace(ask, requirements=bounded)):
        return text
    uv.progress.note(
        f"{numpy_abi.CONSTRAINT} was added: {', '.join(broken)} was compiled for NumPy 1 and does not say so"
    )
    return (uv.folder / "pylock.toml").read_text("utf-8")


_UNDATED = re.compile(r"`([A-Za-z0-9_.]+?)-\d[^`]*` is missing an upload date")


def _undated(refusal: Refusal, ask: Ask) -> frozenset[str]:
    """The packages asked for that uv passed over because nothing tells when they were uploaded (as on PyTorch's
    index)."""
    if ask.moment is None:
        return frozenset()
    return (
        frozenset(normalise(name) for name in _UNDATED.findall(refusal.text))
        & {*direct_names(ask.requirements)} - ask.undated
    )


_NOT_BUILT = re.compile(r"building from source is disabled for `([^`]+)`")
_NO_WHEEL = re.compile(r"Because ([A-Za-z0-9][A-Za-z0-9._-]*)\S* has no wheels with a matching")


def could_be_built(refusal: Refusal) -> str | None:
    """The package that has no fitting wheel and was not allowed to be built from source, None for other reasons."""
    found = _NOT_BUILT.search(refusal.text)
    return normalise(found[1]) if found else None


def lacks_wheels(refusal: Refusal) -> str | None:
    """The package that has no fitting wheel, whether or not it could be built, None for other reasons."""
    found = _NO_WHEEL.search(refusal.text)
    return normalise(found[1]) if found else could_be_built(refusal)


def _compile(uv: Uv, ask: Ask) -> Refusal | None:
    (uv.folder / "requirements.in").write_text("\n".join(requirement_lines(ask.requirements)) + "\n", "utf-8")
    (uv.folder / "constraints.txt").write_text("\n".join(ask.requirements.constraints) + "\n", "utf-8")
    done = uv.run(
        "pip", "compile", "requirements.in", "--constraints", "constraints.txt", "--python", ask.interpreter.path,
        "--format", "pylock.toml", "--output-file", "pylock.toml", "--no-header",
        *bounds(ask.moment, ask.interpreter),
        *option_words("--exclude-newer-package", [f"{name}=false" for name in sorted(ask.undated)]),
        *option_words("--only-binary", sorted(ask.only_binary)),
        *(["--python-platform", ask.platform] if ask.platform else []),
        *_flags(ask.requirements.options),
    )  # fmt: skip
    return Refusal(done.error_text) if done.returncode else None


def bounds(moment: datetime | None, interpreter: Interpreter) -> list[str]:
    """uv's flags for packages as of *moment*, in isolated builds too.

    pip, setuptools and wheel of a time before the interpreter's do not run on it: they are of its own first half year.
    """
    if moment is None:
        return []
    flags = ["--exclude-newer", _stamp(moment)]
    usable = released(interpreter) + SETTLED
    if moment < usable:
        flags += option_words("--exclude-newer-package", [f"{name}={_stamp(usable)}" for name in SEEDS])
    return flags


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _as_of(moment: datetime | None) -> str:
    return f" as of {moment:%Y-%m-%d}" if moment else ""


def export(uv: Uv, lock_file: Path, python: str) -> str:
    """The lock that a project brings along: ``pylock.toml`` as it is, ``uv.lock`` in PEP 751's form."""
    if lock_file.name != "uv.lock":
        return lock_file.read_text("utf-8")
    done = uv.check(
        f"{lock_file.name} cannot be read",
        "export", "--frozen", "--format", "pylock.toml", "--no-header", "--no-emit-project", "--quiet",
        "--project", lock_file.parent, "--python", python,
        hint="uv lock in the project's folder writes it anew",
    )  # fmt: skip
    return done.text


@lru_cache(maxsize=1)  # each step of a build looks at the same lock
def packages(text: str) -> Sequence[dict[str, Any]]:
    """The ``[[packages]]`` of a lock, to be read only. Raises :class:`EnvironmentFailure` when it is no lock."""
    from importlib import import_module

    tomllib = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        entries = tomllib.loads(text).get("packages", [])
    except tomllib.TOMLDecodeError as error:
        raise EnvironmentFailure(f"the lock file is no TOML: {error}") from error
    return [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("name"), str)]


def upload_dates(
    uv: Uv, pins: Sequence[str], interpreter: Interpreter, options: Sequence[str]
) -> list[datetime] | None:
    """When the pinned releases *pins* were uploaded (UTC), None when the index does not tell or lacks one of them."""
    (uv.folder / "requirements.in").write_text("\n".join([*option_lines(options), *pins]) + "\n", "utf-8")
    done = uv.run(
        "pip", "compile", "requirements.in", "--no-deps", "--universal", "--python", interpreter.path, "--format", "pylock.toml",
        "--no-header", "--quiet", *_flags(options),
    )  # fmt: skip
    if done.returncode:
        return None
    dates = [_upload_date(entry) for entry in packages(done.text)]
    known = [date for date in dates if date is not None]
    return known if dates and len(known) == len(dates) else None


def _upload_date(entry: dict[str, Any]) -> datetime | None:
    """When the first file of a release came: wheels for a newer Python may be added years later."""
    files = [*entry.get("wheels", []), *([entry["sdist"]] if "sdist" in entry else [])]
    times = [file["upload-time"] for file in files if isinstance(file.get("upload-time"), datetime)]
    return min(times, default=None)


def narrowed(text: str, python: str) -> str:
    """A lock that was resolved for the interpreter *python* (such as ``3.11.7``), saying so: it holds the wheels of no
    other."""
    minor = ".".join(python.split(".")[:2])
    return re.sub(r'^requires-python = ".*"$', f'requires-python = "=={minor}.*"', text, count=1, flags=re.MULTILINE)


def portable(text: str, root: Path) -> str:
    """A lock fit to be kept: without credentials, and with paths relative to the project's root."""
    return mask_url(text.replace(f'"{root}/', '"').replace(f'"{root}"', '"."').replace(root.as_uri() + "/", ""))
