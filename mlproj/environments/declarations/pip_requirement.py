"""One requirement in pip's words: a name with versions (PEP 508), a URL, a version control address or a local path.

What pip accepts on a line is described at https://pip.pypa.io/en/stable/reference/requirement-specifiers/ and
https://pip.pypa.io/en/stable/topics/vcs-support/.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from mlproj.environments.declarations import foreign_platform
from mlproj.environments.declarations.draft import Draft
from mlproj.environments.package_name import canonical
from mlproj.foundation import presence
from mlproj.foundation.errors import InvalidProject, Place
from mlproj.foundation.redaction import redact

_ARCHIVES = (".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar")
_VCS = re.compile(r"(?:git|hg|svn|bzr)\+", re.IGNORECASE)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|file:", re.IGNORECASE)
_NAMED_URL = re.compile(
    r"^(?P<name>[A-Za-z0-9][\w.-]*)(?P<extras>\s*\[[^\]]*\])?\s*@\s*(?P<url>\S+)(?P<rest>.*)$", re.ASCII | re.DOTALL
)
# Where conda's packages are built, whose addresses `pip freeze` in a conda environment writes down.
_OF_CONDA_BUILDS = re.compile(
    r"feedstock|conda-bld|/croot/|/tmp/build/|/(?:ci|bld)(?:_\w+)?/|/b/abs_|/abs_\w|_\d+/work(?:/|$)"
)
_EXTRAS = re.compile(r"^(?P<path>.+?)(?P<extras>\[[^\[\]]*\])?$", re.DOTALL)
_SINGLE_EQUALS = re.compile(
    r"^(?P<name>[A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?)\s*=\s*(?P<version>\d[\w.]*)(?:=\S*)?$", re.ASCII
)
_STARRED_BOUND = re.compile(r"(?P<operator>[<>]=?|~=)\s*(?P<version>\d+(?:\.\d+)*)\.\*")
_WELL_KNOWN_WORDS = """
numpy scipy pandas scikit-learn matplotlib seaborn tensorflow torch torchvision keras xgboost lightgbm catboost mlflow
statsmodels plotly jupyter requests transformers datasets opencv-python pillow pyyaml hyperopt optuna pyspark pyarrow
pytorch-lightning hydra-core sqlalchemy boto3 cloudpickle click joblib tqdm wandb nltk spacy gensim bokeh dask numba
"""
_WELL_KNOWN = frozenset(_WELL_KNOWN_WORDS.split())
_BY_LETTER: dict[str, list[str]] = {}  # the longer ones; a file may name a hundred thousand packages
for _name in _WELL_KNOWN_WORDS.split():
    if len(_name) > 5:
        _BY_LETTER.setdefault(_name[0], []).append(_name)


def add(draft: Draft, text: str, folder: Path, place: Place, *, hashes: tuple[str, ...] = ()) -> None:
    """Add the requirement *text* to *draft*; relative paths are relative to *folder*. Raises InvalidProject at
    *place*."""
    package = parse(draft, text.strip(), folder, place)
    if package is not None:
        draft.packages.append(" ".join((package, *hashes)))


def parse(draft: Draft, text: str, folder: Path, place: Place) -> str | None:
    """The requirement that stands for *text*, None when there is nothing to install on this platform (told in
    *draft*)."""
    if named := _NAMED_URL.match(text):
        return _named_url(draft, named, place)
    if _VCS.match(text) or _URL.match(text):
        return _unnamed_url(draft, text)
    if _looks_like_path(text):
        return local_path(text, folder, place)
    return parse_named(draft, text, place)


def local_path(text: str, folder: Path, place: Place) -> str:
    """The absolute path of a local one, or its URL when extras follow (``.[test]``). Raises InvalidProject when nothing
    is there."""
    matched = _EXTRAS.match(text)
    assert matched is not None, "the caller has text"
    raw = matched["path"].partition(" ;")[0].strip()
    path = folder / Path(unquote(raw[5:].removeprefix("//")) if raw.lower().startswith("file:") else raw)
    try:
        found = presence.exists(path)
    except (OSError, ValueError):
        found = False
    if not found:
        raise InvalidProject(
            f"nothing is at '{redact(raw)}', which is to be installed",
            place=place,
            hint="paths are relative to the file that names them",
        )
    return f"{path.resolve().as_uri()}{matched['extras']}" if matched["extras"] else str(path.resolve())


def repository_address(draft: Draft, text: str) -> str:
    """A version control address as installers take it today: scp form to ssh, GitHub's dead git:// to https."""
    scp = re.match(
        r"^(?P<kind>git\+)(?:ssh://)?(?P<user>[\w.-]+)@(?P<host>[\w.-]+):(?P<path>(?!\d+/).+)$", text, re.ASCII
    )
    if scp:
        return f"{scp['kind']}ssh://{scp['user']}@{scp['host']}/{scp['path']}"
    if text.startswith("git+git://github.com/"):
        draft.note("git:// is no longer served by GitHub: https:// is used instead")
        return "git+https://" + text.removeprefix("git+git://")
    return text


def _looks_like_path(text: str) -> bool:
    first = text.partition(" ")[0]
    bare = first.partition("[")[0]
    return (
        bare.startswith(".") or "/" in bare or bare.lower().endswith(_ARCHIVES) or bool(re.match(r"[A-Za-z]:\\", bare))
    )


def _unnamed_url(draft: Draft, text: str) -> str:
    url, _, fragment = repository_address(draft, text).partition("#")
    egg = re.search(r"(?:^|&)egg=([A-Za-z0-9][\w.-]*(?:\[[\w.,-]*\])?)", fragment, re.ASCII)
    kept = "&".join(part for part in fragment.split("&") if part and not part.startswith("egg="))
    address = f"{url}#{kept}" if kept else url
    return f"{egg[1]} @ {address}" if egg else address


def _named_url(draft: Draft, match: re.Match[str], place: Place) -> str | None:
    name, url = match["name"], match["url"]
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", url):
        raise InvalidProject(f"a URL was expected after '{name} @'", place=place)
    if url.lower().startswith("file:") and not _exists(url):
        if not _OF_CONDA_BUILDS.search(unquote(url).replace("\\", "/")):
            # A package of this name may be anybody's on an index.
            raise InvalidProject(
                f"nothing is at '{redact(url)}', which {name} is to be installed from",
                place=place,
                hint=f"write {name} with a version, if an index has the same package",
            )
        return parse_named(
            draft, name + (match["extras"] or "") + _built_version(draft, name, url) + match["rest"], place
        )
    return f"{name}{(match['extras'] or '').strip()} @ {repository_address(draft, url)}{match['rest'].rstrip()}"


def _exists(url: str) -> bool:
    try:
        return Path(unquote(url[5:].removeprefix("//").partition("#")[0])).exists()
    except (OSError, ValueError):
        return False


def _built_version(draft: Draft, name: str, url: str) -> str:
    """``==version`` when the file's own name tells it; pip in a conda environment freezes paths of the build
    machine."""
    draft.skip(name, "paths of another machine, the packages come from the index")
    file = unquote(url).replace("\\", "/").partition("#")[0].rstrip("/").rpartition("/")[2]
    version = re.match(
        re.escape(name).replace(r"\-", "[-_.]").replace("_", "[-_.]") + r"-(\d[\w.!]*?)(?:-|\.tar|\.zip|$)",
        file,
        re.IGNORECASE,
    )
    return f"=={version[1]}" if version else ""


def parse_named(draft: Draft, text: str, place: Place) -> str | None:
    """As :func:`parse`, for a name with versions only."""
    from packaging.requirements import InvalidRequirement, Requirement

    fixed = _STARRED_BOUND.sub(r"\g<operator>\g<version>", text)
    try:
        requirement = Requirement(fixed)
    except InvalidRequirement as error:
        raise _broken(text, str(error), place) from None
    if fixed != text:
        draft.warn(f"'{text}': only == and != take '.*'; read as '{fixed}'", place)
    name = canonical(requirement.name)
    if requirement.marker is None and (reason := foreign_platform.reason_to_skip(name)):
        draft.skip(requirement.name, reason)
        return None
    if name == "pkg-resources":
        draft.skip("pkg-resources", "entries that pip of Debian and Ubuntu freezes by mistake")
        return None
    if name == "python":
        versions = str(requirement.specifier)
        draft.choose_python(
            versions.removeprefix("==").removesuffix(".*") if versions.count("=") == 2 else versions,
            f"'{text}' in {place}",
        )
        return None
    if name == "sklearn":
        # https://github.com/scikit-learn/sklearn-pypi-package: an empty package, of which no later release installs.
        draft.note("the package sklearn on PyPI is empty: scikit-learn is installed instead")
        requirement = Requirement("scikit-learn" + (f"; {requirement.marker}" if requirement.marker else ""))
    if here := foreign_platform.counterpart(name):
        draft.note(f"{requirement.name} is for macOS: {here} is used instead")
        requirement.name = here
    guess_typo(draft, requirement.name, place)
    return str(requirement)


def guess_typo(draft: Draft, name: str, place: Place) -> None:
    """Warn when *name* is one typing mistake away from a package that everybody knows; the index may still have it."""
    wanted = canonical(name)
    if len(wanted) < 5 or wanted in _WELL_KNOWN:
        return
    close = next((known for known in _BY_LETTER.get(wanted[0], ()) if _warn_of_typo(wanted, known)), None)
    if close:
        draft.warn(f"'{name}': did you mean '{close}'?", place)


def _warn_of_typo(left: str, right: str) -> bool:
    """Whether one letter lost, added, changed or swapped with its neighbour makes one word of the other."""
    if abs(len(left) - len(right)) > 1 or left[0] != right[0]:
        return False
    start = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    a, b = left[start:], right[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])


def _broken(text: str, reason: str, place: Place) -> InvalidProject:
    shown = redact(text)
    if single := _SINGLE_EQUALS.match(text):
        return InvalidProject(
            f"'{shown}' is no requirement of pip: one '=' is conda's spelling",
            place=place,
            hint=f"write {single['name']}=={single['version']}",
        )
    return InvalidProject(
        f"'{shown}' is no requirement: {reason.partition(chr(10))[0]}",
        place=place,
        hint="expected a line such as numpy>=1.20,<2",
    )
