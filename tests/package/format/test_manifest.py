"""``mlproj.json``: what is said is kept, and what no package may say is refused with its reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlproj.foundation.errors import SourceError
from mlproj.package.format import manifest
from mlproj.package.format.manifest import Manifest, Member
from tests.package.format import hostile

FILES = {
    **hostile.FILES,
    "locks/linux-64/pylock.toml": b"",
    "packages/a.whl": b"",
    "python/bin/python3": b"",
    "python/bin/python": "-> python3",
    "inputs/0/d/x": b"",
}
SHA256 = "6" * 64


def test_what_is_written_is_read_again() -> None:
    members = {
        "project/run": Member(SHA256, 3, executable=True),
        "project/l": Member(target="run"),
        "locks/linux-64/pylock.toml": Member(SHA256),
        "packages/a.whl": Member(SHA256),
        "python/bin/python": Member(SHA256),
        "inputs/0/x": Member(SHA256),
    }
    said = Manifest(
        "0.1.0",
        {
            "uri": "p",
            "kind": "git",
            "commit": "a" * 40,
            "commit_date": "2020-01-01T00:00:00Z",
            "dirty": True,
            "digest": None,
        },
        "sub/é",
        members,
        ["project/empty"],
        {"kind": "python", "manager": "uv", "python": "3.11.7", "as_of": None, "lock": "pylock.toml"},
        {"linux-64": "locks/linux-64/pylock.toml"},
        {"linux-64": {"a==1": "packages/a.whl"}},
        [(0, "src"), (1, ".")],
        {"version": "3.11.7", "platform": "linux-64", "program": "python/bin/python"},
        {"run_id": "1", "metrics": {"rmse": 0.5}},
        "main",
        {"text": "two\nlines"},
        ["text"],
        ["api_key"],
        {"data": "inputs/0/x"},
    )

    assert manifest.parse(said.text().encode()) == said
    assert manifest.parse(said.text().encode()).text() == said.text()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "its mlproj.json cannot be read: it is no JSON"),
        (b"\xff", "cannot be read: it is no JSON"),
        (b"[]", "cannot be read: it is no JSON object"),
        (b"[" * 100_000, "cannot be read: it is no JSON"),
        (b'{"format": NaN}', "cannot be read: NaN is no JSON"),
        (b'{"format": 1, "format": 1}', "cannot be read: a key is given twice"),
        (b'{"format": ' + b"9" * 5000 + b"}", "cannot be read|its format is"),
        (b"{}", "its format is None"),
        (b'{"format": 2}', "its format is 2, and this mlproj knows up to 1"),
        (b'{"format": true}', "its format is True"),
        (b'{"format": "1"}', "its format is '1'"),
        (b'{"format": 1}', "'mlproj' of 'it' is None"),
    ],
)
def test_what_is_no_manifest_of_ours_is_refused(text: bytes, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        manifest.parse(text)


def test_a_newer_format_says_how_to_read_it() -> None:
    with pytest.raises(SourceError) as refused:
        manifest.parse(b'{"format": 2}')

    assert refused.value.hint == "pip install --upgrade mlproj"


@pytest.mark.parametrize(
    "changes",
    [
        {"members": []},
        {"members": {"project/x": None}},
        {"members": {"project/x": {}}},
        {"members": {"project/x": {"sha256": SHA256.upper() + "G", "size": 1}}},
        {"members": {"project/x": {"sha256": SHA256, "size": -1}}},
        {"members": {"project/x": {"sha256": SHA256, "size": True}}},
        {"members": {"project/x": {"sha256": SHA256, "size": 1 << 63}}},
        {"members": {"project/x": {"sha256": SHA256, "size": 1, "executable": "yes"}}},
        {"members": {"project/x": {"link": ""}}},
        {"members": {"project/x": {"link": ["y"]}}},
        {"members": {"project/x": {"link": "\ud800"}}},
        {"members": {"project/\ud800": {"link": "x"}}},
        {"folders": "project/x"},
        {"folders": [1]},
        {"subdirectory": "../x"},
        {"subdirectory": "/etc"},
        {"subdirectory": "n" * 300},
        {"subdirectory": None},
        {"source": {"uri": "p"}},
        {"source": {"uri": "p", "kind": "git", "commit": "--output=/tmp/x"}},
        {"source": {"uri": "p", "kind": "git", "branch": "a\x1b[2J"}},
        {"source": {"uri": "p", "kind": "git", "dirty": "no"}},
        {"environment": {"kind": "other", "manager": "uv"}},
        {"environment": {"kind": "python", "manager": "uv", "python": "3.11; rm"}},
        {"environment": {"kind": "python", "manager": "uv", "lock": "../x"}},
        {"environment": {"kind": "container", "manager": "docker", "image": "busybox"}},
        {"environment": {"kind": "container", "manager": "docker", "image": {"digest": 1}}},
        {"locks": {"linux-64": "project/data.txt"}},
        {"locks": {"linux-64": "locks/linux-64"}},
        {"locks": {"linux-64": "locks/../project/data.txt"}},
        {"locks": {"linux-64": "/etc/passwd"}},
        {"offline": {"linux-64": ["packages/a.whl"]}},
        {"offline": {"linux-64": {"a": "packages/b.whl"}}},
        {"offline": {"linux-64": {"a": "project/data.txt"}}},
        {"python": {"version": "3", "platform": "linux-64", "program": "/usr/bin/python3"}},
        {"python": {"version": "3", "platform": "linux-64", "program": "python/../project/data.txt"}},
        {"python": {"version": "3", "platform": "linux-64", "program": "project/data.txt"}},
        {"python": {"version": "3", "platform": "linux-64", "program": "python/bin/python"}},  # a link
        {"python": {"version": "3", "platform": "linux-64"}},
        {"import_roots": [["0", "src"]]},
        {"import_roots": [[-1, "src"]]},
        {"import_roots": [[0, "../src"]]},
        {"import_roots": [[True, "src"]]},
        {"inputs": {"data": "inputs/../project/data.txt"}},
        {"inputs": {"data": "/etc/passwd"}},
        {"inputs": {"data": "inputs/1"}},
        {"inputs": {"data": "project/data.txt"}},
        {"parameters": {"a": 1}},
        {"parameters": {"a\x1b": "1"}},
        {"parameters": {"a": "nul\0"}},
        {"secret": {"a": 1}},
        {"entry_point": ["main"]},
        {"run": "last"},
    ],
    ids=lambda changes: json.dumps(changes)[:70],
)
def test_what_no_package_may_say_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SourceError, match="its mlproj.json is not as it should be: "):
        manifest.parse(json.dumps(hostile.manifest(FILES, **changes)).encode())


def test_an_input_may_be_a_folder() -> None:
    assert manifest.parse(json.dumps(hostile.manifest(FILES, inputs={"data": "inputs/0/d"})).encode()).inputs == {
        "data": "inputs/0/d"
    }
