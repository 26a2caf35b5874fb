"""Packages that anybody may have made: each that is not as it should be is refused with its reason, and leaves nothing
behind."""

from __future__ import annotations

import json
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlproj.foundation.errors import MlprojError, SourceError
from mlproj.package.format import reading
from tests.package.format.hostile import FILES, make, manifest


def unpacked(file: Path, folder: Path, part: str = "project") -> Path:
    with reading.opened(file) as bundle:
        bundle.extract(part, folder)
    return folder


def tree(folder: Path) -> dict[str, str]:
    """Every file below *folder* with what it holds, every link with where it leads."""
    found = {}
    for place in sorted(folder.rglob("*")):
        name = place.relative_to(folder).as_posix()
        found[name] = f"-> {os.readlink(place)}" if place.is_symlink() else "" if place.is_dir() else place.read_text()
    return found


def test_a_package_is_unpacked_as_it_was(tmp_path: Path) -> None:
    files = {
        **FILES,
        "project/run.sh": b"echo\n",
        "project/deep/link": "-> ../data.txt",
        "project/gone": "-> nowhere",
        "project/at": "-> .",
    }
    document = manifest(files, folders=["project/out/empty"])
    document["members"]["project/run.sh"]["executable"] = True

    folder = unpacked(make(tmp_path / "a.mlproj", files, document), tmp_path / "x")

    assert (folder / "deep" / "link").read_text() == "data\n"
    assert {*tree(folder)} == {"MLproject", "data.txt", "run.sh", "deep", "deep/link", "gone", "at", "out", "out/empty"}
    assert [os.access(folder / name, os.X_OK) for name in ("run.sh", "data.txt")] == [True, False]


NAMES = [
    *(
        "/etc/x",
        "../x",
        "project/../../x",
        "project/./x",
        "project//x",
        "project/",
        "project",
        "x",
        "other/x",
        "project\\..\\x",
        "",
    ),
    *("project/a\\b", "project/\0x", "C:/x", "project/" + "n" * 256, "project/" + "n/" * 1000 + "n"),
]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name)[:30])
@pytest.mark.parametrize("as_folder", [False, True])
def test_names_that_leave_the_package_are_refused(tmp_path: Path, name: str, as_folder: bool) -> None:
    files = FILES if as_folder else {**FILES, name: b"x"}

    with pytest.raises(SourceError, match=r"a\.mlproj: its mlproj\.json is not as it should be: (the name|'folders')"):
        unpacked(
            make(tmp_path / "a.mlproj", files, manifest(files, folders=[name] if as_folder else [])),
            tmp_path / "in" / "x",
        )

    assert [place.name for place in tmp_path.iterdir()] == ["a.mlproj"]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"project/l": "-> /etc/passwd"}, "leads out of the package, to '/etc/passwd'"),
        ({"project/l": "-> ../x"}, "leads out of the package, to '../x'"),
        ({"project/d/l": "-> ../../project2/x"}, "leads out of the package"),
        ({"project/d/up": "-> ..", "project/l": "-> d/up/../y"}, "leads out of the package"),
        (
            {"project/a": "-> b/..", "project/b": "-> c", "project/c/d/e": b"", "project/z": "-> a/../.."},
            "leads out of the package",
        ),
        ({"project/l": "-> .", "project/l/x": b"x"}, "would be written through 'project/l'"),
        ({"project/f": b"x", "project/f/x/y": b"x"}, "would be written through 'project/f'"),
    ],
)
def test_links_that_lead_out_and_members_below_others_are_refused(
    tmp_path: Path, files: dict[str, bytes | str], reason: str
) -> None:
    with pytest.raises(SourceError, match=reason):
        unpacked(make(tmp_path / "a.mlproj", {**FILES, **files}), tmp_path / "in" / "x")

    assert {place.name for place in tmp_path.iterdir()} <= {"a.mlproj", "in"}
    assert {place.name for place in (tmp_path / "in").glob("*")} <= {"x"}


def test_links_in_a_circle_lead_nowhere(tmp_path: Path) -> None:
    files = {**FILES, "project/a": "-> b", "project/b": "-> a", "project/c": "-> c"}

    assert tree(unpacked(make(tmp_path / "a.mlproj", files), tmp_path / "x"))["a"] == "-> b"


def patched(old: bytes, new: bytes, count: int = -1) -> Callable[[bytes], bytes]:
    return lambda content: content.replace(old, new, count)


def at_end(**fields: int) -> Callable[[bytes], bytes]:
    """The end of an archive's directory with *fields* changed."""
    names = ("signature", "disk", "start", "here", "entries", "length", "offset", "comment")

    def change(content: bytes) -> bytes:
        end = dict(zip(names, struct.unpack("<4s4H2LH", content[-22:]), strict=True))
        return content[:-22] + struct.pack("<4s4H2LH", *({**end, **fields}).values())

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (patched(b"data\n", b"atad\n"), "'project/data.txt' is not what mlproj.json says: its SHA-256 is another"),
        (lambda content: content[:-30], "does not end as a zip archive does"),
        (lambda content: content[: len(content) // 2], "does not end as a zip archive does"),
        (lambda _content: b"", "does not end as a zip archive does"),
        (lambda _content: b"PK\3\4 no zip at all", "does not end as a zip archive does"),
        (lambda content: b"#!/bin/sh\n" + content, "something was added before, inside or after it"),
        (lambda content: content + b"PK\5\6" + bytes(18), "something was added before, inside or after it"),
        (at_end(offset=0xFFFFFFFF), "something was added before, inside or after it"),
        (at_end(length=400_000_000), "something was added before, inside or after it"),
        (at_end(comment=7), "something was added before, inside or after it"),
        (patched(b"project/data.txt", b"project/DATA.txt"), "which mlproj.json does not list"),
    ],
)
def test_what_was_damaged_or_changed_is_refused(tmp_path: Path, change: Callable[[bytes], bytes], reason: str) -> None:
    file = make(tmp_path / "a.mlproj")
    content = file.read_bytes()
    start = content.index(b"PK\3\4", 10) if reason.startswith("which") else 0  # the manifest stays as it is
    file.write_bytes(content[:start] + change(content[start:]))

    with pytest.raises(SourceError, match=reason):
        unpacked(file, tmp_path / "x")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"extra": {"project/more": b"x"}}, "it holds 'project/more', which mlproj.json does not list"),
        ({"extra": {"project/data.txt": b"data\n"}}, "it holds 'project/data.txt' twice"),
        ({"extra": {"mlproj.json": b"{}"}}, "it holds 'mlproj.json', which"),
        ({"extra": {"project/folder/": b""}}, "it holds 'project/folder/', which"),
        ({"each": {"compress_type": zipfile.ZIP_DEFLATED}}, "is compressed or encrypted"),
        ({"first": {"compress_type": zipfile.ZIP_BZIP2}}, "its mlproj.json is compressed or encrypted"),
        ({"each": {"extra": b"\x99\x99\x04\x00abcd"}}, "something is hidden between its members"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archives_that_we_do_not_make_are_refused(tmp_path: Path, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        unpacked(make(tmp_path / "a.mlproj", FILES, None, **options), tmp_path / "x")


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    file = make(tmp_path / "a.mlproj")
    content = bytearray(file.read_bytes())
    content[content.rindex(b"PK\1\2") + 8] |= 1
    file.write_bytes(content)

    with pytest.raises(SourceError, match="is compressed or encrypted"):
        unpacked(file, tmp_path / "x")


def test_members_that_share_bytes_are_no_bomb(tmp_path: Path) -> None:
    """Many members of the same bytes would be more than the file is."""
    files = {f"project/{number}": b"x" * 1000 for number in range(5)}
    file = make(tmp_path / "a.mlproj", files)
    content = bytearray(file.read_bytes())
    first = content.index(b"PK\3\4", 10)
    place = 0
    while (place := content.find(b"PK\1\2", place + 1)) > 0:
        if content[place + 46 : place + 54] == b"project/":
            content[place + 42 : place + 46] = struct.pack("<L", first)
    file.write_bytes(content)

    with pytest.raises(SourceError, match=r"its members overlap|Overlapped entries"), reading.inspected(file) as bundle:
        list(bundle.faults())


def test_a_member_that_is_missing_or_has_another_size_is_refused(tmp_path: Path) -> None:
    longer, more = manifest(FILES), manifest({**FILES, "project/more": b"x"})
    longer["members"]["project/data.txt"]["size"] = 10**12

    with pytest.raises(SourceError, match="'project/data.txt' has 5 bytes, and mlproj.json says 1000000000000"):
        unpacked(make(tmp_path / "a.mlproj", FILES, longer), tmp_path / "x")
    with pytest.raises(SourceError, match="'project/more' is missing in it"):
        unpacked(make(tmp_path / "b.mlproj", FILES, more), tmp_path / "x")


def test_an_archive_without_a_manifest_is_no_package(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.mlproj", "w") as archive:
        archive.writestr("project/MLproject", "name: x")

    with pytest.raises(SourceError, match="mlproj.json is not the first in it") as refused:
        unpacked(tmp_path / "a.mlproj", tmp_path / "x")
    assert refused.value.hint == "mlproj package makes one"


def test_many_members_deep_down_are_read(tmp_path: Path) -> None:
    deep = "project/" + "d/" * 200
    files = {f"{deep}{number}": b"" for number in range(3_000)}

    with reading.opened(make(tmp_path / "a.mlproj", files)) as bundle:
        assert len(bundle.manifest.members) == 3_000


def test_every_fault_is_listed(tmp_path: Path) -> None:
    document = manifest({**FILES, "project/more": b"x", "project/l": "-> data.txt"})
    file = make(tmp_path / "a.mlproj", {**FILES, "project/l": "-> MLproject"}, document, extra={"project/new": b"y"})
    content = file.read_bytes().replace(b"data\n", b"atad\n")
    file.write_bytes(content)

    with reading.inspected(file) as bundle:
        assert {(fault.kind, fault.name) for fault in bundle.faults()} == {
            ("changed", "project/data.txt"),
            ("changed", "project/l"),
            ("missing", "project/more"),
            ("added", "project/new"),
        }


ODD = st.sampled_from(
    [
        None,
        True,
        -1,
        1.5,
        1 << 70,
        "",
        "..",
        "/etc",
        "a\nb",
        "\ud800",
        [],
        {},
        [1, "x"],
        {"a": 1},
        "project",
        "python/x",
        "6" * 64,
    ]
)


@st.composite
def changed_documents(draw: st.DrawFn) -> Any:
    """A manifest with something of it replaced or removed."""
    files = {
        **FILES,
        "locks/linux-64/pylock.toml": b"packages = []\n",
        "packages/a.whl": b"",
        "python/bin/python": b"",
        "inputs/0/x": b"",
    }
    document = manifest(
        files,
        locks={"linux-64": "locks/linux-64/pylock.toml"},
        offline={"linux-64": {"a==1": "packages/a.whl"}},
        python={"version": "3.11.7", "platform": "linux-64", "program": "python/bin/python"},
        inputs={"x": "inputs/0/x"},
        parameters={"x": "1"},
        secret=["key"],
        import_roots=[[0, "src"]],
        folders=["project/out"],
    )
    node: Any = document
    while True:
        key = draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        if not isinstance(node[key], dict | list) or not node[key] or draw(st.booleans()):
            break
        node = node[key]
    node[key] = draw(ODD)
    return files, document


@settings(max_examples=150)
@given(changed=changed_documents())
def test_whatever_a_manifest_says_it_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, changed: Any) -> None:
    folder = tmp_path_factory.mktemp("odd")
    try:
        unpacked(make(folder / "a.mlproj", *changed), folder / "x")
    except SourceError as error:
        assert error.message.startswith("a.mlproj: ")


_WHOLE: list[bytes] = []


@settings(max_examples=150)
@given(data=st.data())
def test_whatever_bytes_change_what_is_unpacked_is_what_was_packed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    if not _WHOLE:
        _WHOLE.append(make(folder / "whole.mlproj").read_bytes())
    content = bytearray(_WHOLE[0])
    for _time in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / "a.mlproj").write_bytes(content[: data.draw(st.sampled_from([None, -1, -22, 100]))])
    try:
        unpacked(folder / "a.mlproj", folder / "x")
    except MlprojError as error:
        assert error.exit_code == 66
    else:
        with reading.opened(folder / "a.mlproj") as bundle:
            assert json.loads(bundle.manifest.text())["members"].keys() <= {
                f"project/{name}" for name in tree(folder / "x")
            }
