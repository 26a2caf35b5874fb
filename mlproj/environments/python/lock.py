"""``pylock.toml`` (PEP 751): what is asked of uv to make one, and what one says."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

from mlproj.environments.declarations import text_file
from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.package_name import canonical
from mlproj.environments.python.interpreter import Interpreter
from mlproj.environments.python.python_choice import SETTLED, released
from mlproj.environments.python.uv import Uv, option_words
from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.redaction import mask_url

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
# pkg_resources, which so many packages import, left setuptools with version 82.
SEEDS = {"pip": "pip", "setuptools": "setuptools<82", "wheel": "wheel"}


@dataclass(frozen=True)
class ResolveRequest:
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
    return canonical(match[1]) if match else None


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
        *(_as_url(package) for package in packages if name_of(package) not in requirements.sources),
        *(f"-e {_as_url(folder)}" for folder in requirements.editables if folder.startswith("/")),
        *seeds,
    ]


def _as_url(requirement: str) -> str:
    path, mark, hashes = requirement.partition(" --hash")
    return f"{Path(path).as_uri()}{mark}{hashes}" if requirement.startswith("/") else requirement


# Options of pip that a requirements file may hold and uv reads there with the same meaning.
_IN_FILE = frozenset(("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--no-binary", "--only-binary"))
INDEX_OPTIONS = frozenset(("-i", "--index-url", "--extra-index-url", "-f", "--find-links"))
"""Those that say where packages are."""
_WITH_VALUE = frozenset((*_IN_FILE, "--trusted-host", "--config-settings", "-C", "--use-feature"))


def option_pairs(options: Sequence[str]) -> list[tuple[str, str | None]]:
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


def index_options(options: Sequence[str]) -> tuple[str, ...]:
    """Those of the *options* that say where packages are."""
    return tuple(
        word for name, value in option_pairs(options) if name in INDEX_OPTIONS and value for word in (name, value)
    )


def option_lines(options: Sequence[str]) -> list[str]:
    """The options that belong into a requirements file, one a line."""
    lines = [f"{name} {value}" for name, value in option_pairs(options) if name in _IN_FILE and value]
    return [*lines, *(["--no-index"] if "--no-index" in options else [])]


def _flags(options: Sequence[str]) -> list[str]:
    """Command-line flags of uv for options that its requirements files do not know."""
    pairs = option_pairs(options)
    hosts = [value for name, value in pairs if name == "--trusted-host" and value]
    # pip looks at all indexes and takes the best version; a declaration with extra indexes counts on that.
    several = any(name in ("--extra-index-url", "-f", "--find-links") for name, _ in pairs)
    return [
        *option_words("--allow-insecure-host", hosts),
        *(["--prerelease", "allow"] if any(name == "--pre" for name, _ in pairs) else []),
        *(["--index-strategy", "unsafe-best-match"] if several else []),
    ]


@dataclass(frozen=True)
class Refusal:
    """Why uv found no solution, in its own words."""

    text: str


_NOT_BUILT = re.compile(r"building from source is disabled for `([^`]+)`")
_NO_WHEEL = re.compile(r"Because ([A-Za-z0-9][A-Za-z0-9._-]*)\S* has no wheels with a matching")


def could_be_built(refusal: Refusal) -> str | None:
    """The package that has no fitting wheel and was not allowed to be built from source, None for other reasons."""
    found = _NOT_BUILT.search(refusal.text)
    return canonical(found[1]) if found else None


def lacks_wheels(refusal: Refusal) -> str | None:
    """The package that has no fitting wheel, whether or not it could be built, None for other reasons."""
    found = _NO_WHEEL.search(refusal.text)
    return canonical(found[1]) if found else could_be_built(refusal)


def compile_once(uv: Uv, ask: ResolveRequest) -> Refusal | None:
    """Have uv write ``pylock.toml`` into its folder for *ask* as it is; why it did not, None when it did."""
    (uv.folder / "requirements.in").write_text("\n".join(requirement_lines(ask.requirements)) + "\n", "utf-8")
    constraints = []
    if ask.requirements.constraints:  # uv warns of an empty file
        (uv.folder / "constraints.txt").write_text("\n".join(ask.requirements.constraints) + "\n", "utf-8")
        constraints = ["--constraints", "constraints.txt"]
    done = uv.run(
        "pip", "compile", "requirements.in", *_project(uv.folder, ask.requirements), *constraints,
        "--python", ask.interpreter.path,
        "--format", "pylock.toml", "--output-file", "pylock.toml", "--no-header",
        *bounds(ask.moment, ask.interpreter),
        *option_words("--exclude-newer-package", [f"{name}=false" for name in sorted(ask.undated)]),
        *option_words("--only-binary", sorted(ask.only_binary)),
        *(["--python-platform", ask.platform] if ask.platform else []),
        *_flags(ask.requirements.options),
    )  # fmt: skip
    return Refusal(done.error_text) if done.returncode else None


def _project(folder: Path, requirements: Requirements) -> list[Path]:
    """The project that asks uv for the packages that have a source."""
    if not requirements.sources:
        return []
    from mlproj.environments.python import uv_project

    asked = {name: package for package in requirements.packages if (name := name_of(package)) is not None}
    return [uv_project.write(folder, asked, requirements.sources, requirements.settings)]


BUILDERS_FROM = datetime(2019, 2, 12, tzinfo=timezone.utc)
"""What builds packages is of this day at the earliest, whatever the moment: uv and pip ask for setuptools 40.8.0
(2019-02-05)."""


def bounds(moment: datetime | None, interpreter: Interpreter) -> list[str]:
    """uv's flags for packages as of *moment*, in isolated builds too.

    pip, setuptools and wheel of a time before the interpreter's do not run on it: they are of its own first half year.
    """
    if moment is None:
        return []
    usable = released(interpreter) + SETTLED
    earliest = {name: max(usable, BUILDERS_FROM) if name == "setuptools" else usable for name in SEEDS}
    later = [f"{name}={_stamp(day)}" for name, day in earliest.items() if moment < day]
    return ["--exclude-newer", _stamp(moment), *option_words("--exclude-newer-package", later)]


def builds_with_later_tools(text: str, moment: datetime | None) -> bool:
    """Whether something in the lock *text* is built, and with a setuptools that came after *moment*."""
    return moment is not None and moment < BUILDERS_FROM and any("wheels" not in entry for entry in packages(text))


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def export(uv: Uv, lock_file: Path, python: str) -> str:
    """The lock that a project brings along: ``pylock.toml`` as it is, ``uv.lock`` in PEP 751's form."""
    if lock_file.name != "uv.lock":
        return text_file.load(lock_file)
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
    except ValueError as error:
        raise EnvironmentFailure(f"the lock file is no TOML: {error}") from error
    return [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("name"), str)]


def upload_dates(
    uv: Uv, pins: Sequence[str], interpreter: Interpreter, options: Sequence[str]
) -> list[datetime] | None:
    """When the pinned releases *pins* were uploaded (UTC), None when the index does not tell or lacks one of them."""
    (uv.folder / "requirements.in").write_text("\n".join([*option_lines(options), *pins]) + "\n", "utf-8")
    done = uv.run(
        "pip", "compile", "requirements.in", "--no-deps", "--universal", "--python", interpreter.path,
        "--format", "pylock.toml", "--no-header", "--quiet", *_flags(options),
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
