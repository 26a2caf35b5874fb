from __future__ import annotations

import json
import struct
import time
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlproj.reproduction.file_difference import LINES, describe, is_only_time, timeless


def png(width: int, height: int, pixel: bytes = b"\0") -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + pixel * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08" + struct.pack(">HH", 30, 40) + b"\x03" * 20


@pytest.mark.parametrize(
    ("path", "before", "after", "told"),
    [
        ("a.txt", b"a\nb\nc\n", b"a\nB\nc\n", ["@@ -2 +2 @@", "-b", "+B"]),
        ("a.txt", b"-- a\n", b"++ a\n", ["@@ -1 +1 @@", "--- a", "+++ a"]),
        ("a.txt", b"a\r\n", b"a\n", ["the ends of lines differ"]),
        (
            "a.json",
            b'{"a": {"b": [1, NaN]}, "c": 1}',
            b'{"a": {"b": [2, NaN]}, "d": 0}',
            ["a.b[0]: 1 -> 2", "c: 1, now gone", "d: new, 0"],
        ),
        ("a.json", b'{"a":1}', b'{ "a": 1 }', ["the values are the same, and written in another way"]),
        ("a.json", b"{", b"[", ["@@ -1 +1 @@", "-{", "+["]),
        ("a.csv", b"x,y\n1,2\n", b"x,y\n1,3\n4,5\n", ["2 rows, now 3", "row 2, y: 2 -> 3"]),
        ("a.tsv", b"1\t2\n", b"1\t3\n", ["row 1, column 2: 2 -> 3"]),
        ("a.bin", b"ab\0c", b"ab\0dd", ["4 bytes, now 5; the first difference is at byte 3"]),
        ("a.png", png(2, 3), png(4, 3), ["a picture of 2 x 3, now 4 x 3"]),
        (
            "a.jpg",
            JPEG,
            JPEG + b"x",
            [f"pictures of 40 x 30, with other content ({len(JPEG)} bytes, now {len(JPEG) + 1})"],
        ),
    ],
)
def test_files_are_compared_as_what_they_are(path: str, before: bytes, after: bytes, told: list[str]) -> None:
    assert describe(path, before, after) == told


def test_pictures_with_other_content_say_how_large_they_are() -> None:
    assert describe("a.png", png(2, 3), png(2, 3, b"\x7f"))[0].startswith("pictures of 2 x 3, with other content (")


kinds = st.sampled_from(["a", "a.json", "a.csv", "a.tsv", "a.ipynb", "a.png"])
magic = st.sampled_from(
    [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8", b"\xff\xd8\xff\xe0", b'{"a":', b"[", b"a,b\n"]
)


@given(kinds, magic, st.binary(), st.binary())
def test_no_bytes_are_too_odd_to_be_compared(path: str, start: bytes, before: bytes, after: bytes) -> None:
    lines = describe(path, start + before, start + after)
    assert bool(lines) == (before != after)
    assert len(lines) <= LINES + 1 and all(len(line) <= 160 for line in lines)
    is_only_time(start + before, start + after)


@settings(max_examples=30)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_json_document_written_in_another_way_is_the_same(value: object) -> None:
    before, after = json.dumps(value).encode(), json.dumps(value, indent=3).encode() + b"\n"
    assert describe("a.json", before, after) == ["the values are the same, and written in another way"]


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("a.txt", b"\n".join(b"%d" % n for n in range(200_000)), b"\n".join(b"%d" % (n * 7) for n in range(200_000))),
        ("a.json", b"[" + b"1," * 400_000 + b"1]", b"[" + b"2," * 400_000 + b"1]"),
        ("a.json", b"[" * 100_000 + b"]" * 100_000, b"[" * 100_000 + b"1" + b"]" * 100_000),
    ],
)
def test_large_files_do_not_take_long(path: str, before: bytes, after: bytes) -> None:
    began = time.process_time()
    assert describe(path, before, after)
    is_only_time(before, after)
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("done at 2024-01-02T03:04:05.678Z\n", "done at 2025-11-12 13:14:15+01:00\n"),
        ("took 1.5 s", "took 12 s"),
        ("at 1700000000.123", "at 1800000000"),
        ("run 0123456789abcdef0123456789abcdef", "run fedcba9876543210fedcba9876543210"),
        ("id 12345678-1234-4321-8765-123456789abc", "id 00000000-1234-4321-8765-123456789abc"),
        ("/x/checkouts/123-0a1b2c3d/data", "/x/checkouts/9-ffffffff/data"),
    ],
)
def test_times_and_ids_are_told_from_results(before: str, after: str) -> None:
    assert timeless(before) == timeless(after)
    assert is_only_time(before.encode(), after.encode())
    assert not is_only_time(before.encode(), after.encode() + b" 0.5")


@given(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-100, max_value=100),
    st.floats(min_value=-100, max_value=100),
)
def test_a_number_is_no_time(one: float, other: float) -> None:
    assert (timeless(f"rmse={one!r}") == timeless(f"rmse={other!r}")) == (repr(one) == repr(other))
