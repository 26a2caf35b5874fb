from __future__ import annotations

import hashlib
import sys
from dataclasses import replace

import pytest

from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python import declared_hash, lock
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.progress import Silent
from tests.environments.conftest import ResolveRequest
from tests.package_index import Index, Release

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
WRONG = "--hash=sha256:" + "0" * 64


def _hash(release: Release) -> str:
    return f"--hash=sha256:{hashlib.sha256(release.wheel()).hexdigest()}"


def test_a_package_with_the_declared_hash_is_installed(index: Index, ask: ResolveRequest) -> None:
    apple = Release("apple", "1.0")
    index.add(apple)
    assert ask(f"apple==1.0 {WRONG} {_hash(apple)}").prepare(Silent()).packages["apple"] == "1.0"


def test_a_package_with_another_hash_than_the_declared_one_is_refused(index: Index, ask: ResolveRequest) -> None:
    index.add(Release("apple", "1.0"))
    with pytest.raises(EnvironmentFailure, match=r"no file of apple 1\.0 that fits has a hash that is declared for it"):
        ask(f"apple==1.0 {WRONG}").prepare(Silent())


def test_of_several_files_those_with_a_declared_hash_count(index: Index, ask: ResolveRequest) -> None:
    general, special = (
        Release("apple", "1.0"),
        Release("apple", "1.0", tag=f"py{sys.version_info[0]}{sys.version_info[1]}-none-any"),
    )
    index.add(general, special)
    file = ask(f"apple==1.0 {_hash(general)}").prepare(Silent()).lock
    assert file is not None
    (entry,) = [entry for entry in lock.packages(file.read_text()) if entry["name"] == "apple"]
    assert [wheel["url"].rpartition("/")[2] for wheel in entry["wheels"]] == [general.filename]


def test_when_hashes_are_required_every_package_needs_one(index: Index, ask: ResolveRequest) -> None:
    apple, seed = Release("apple", "1.0", requires=["seed"]), Release("seed", "1.0")
    index.add(apple, seed)
    strict = Requirements(python=HERE, options=("--require-hashes",))
    with pytest.raises(EnvironmentFailure, match=r"--require-hashes: seed 1\.0 has no --hash"):
        ask(f"apple==1.0 {_hash(apple)}", requirements=strict).prepare(Silent())
    prepared = ask(f"apple==1.0 {_hash(apple)}", f"seed==1.0 {_hash(seed)}", requirements=strict).prepare(Silent())
    assert prepared.packages["seed"] == "1.0"


def test_a_lock_is_left_alone_when_nothing_is_declared() -> None:
    assert declared_hash.only_declared(Requirements(packages=("apple",)), "anything") == "anything"


def test_files_in_a_form_that_is_not_understood_are_refused() -> None:
    text = (
        '[[packages]]\nname = "apple"\n[[packages.wheels]]\nurl ='
        ' "https://h/apple.whl"\n[packages.wheels.hashes]\nsha256 = "ff"\n'
    )
    wanted = Requirements(packages=(f"apple {WRONG}",))
    assert isinstance(declared_hash.only_declared(wanted, text), lock.Refusal)
    allowed = replace(wanted, packages=("apple --hash=sha256:ff",))
    assert declared_hash.only_declared(allowed, text) == text
