from __future__ import annotations

import os
from pathlib import Path

from mlproj.environments.conda import relocation


def test_everything_that_names_the_old_place_names_the_new_one(tmp_path: Path) -> None:
    old, new = tmp_path / "old-place", tmp_path / "new-place"
    (old / "bin").mkdir(parents=True)
    program = b"\x7fELF\0" + os.fsencode(old) + b"/lib\0" + bytes(range(256))
    (old / "bin" / "program").write_bytes(program)
    (old / "bin" / "program").chmod(0o555)
    (old / "bin" / "script").write_text(f"#!{old}/bin/python\n{old} and {old}\n")
    (old / "bin" / "link").symlink_to(old / "bin" / "program")
    (old / "bin" / "near").symlink_to("program")
    (old / "bin" / "other").symlink_to(f"{old}er")
    (old / "empty").touch()
    cached = tmp_path / "cached"
    cached.write_text(str(old))
    os.link(cached, old / "shared")
    os.utime(old / "bin" / "script", ns=(10**18, 10**18))
    relocation.move(old, new)
    assert (old / "bin" / "program").read_bytes() == program.replace(b"old-place", b"new-place")
    assert (old / "bin" / "program").stat().st_mode & 0o777 == 0o555
    assert (old / "bin" / "script").read_text() == f"#!{new}/bin/python\n{new} and {new}\n"
    assert (old / "bin" / "script").stat().st_mtime_ns == 10**18
    assert (old / "bin" / "link").readlink() == new / "bin" / "program"
    assert (old / "bin" / "near").readlink() == Path("program")
    assert (old / "bin" / "other").readlink() == Path(f"{old}er")
    assert (old / "shared").read_text() == str(new) and cached.read_text() == str(old)
