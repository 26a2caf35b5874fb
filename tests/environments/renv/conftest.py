from __future__ import annotations

from pathlib import Path

import pytest

from tests.r_repository import Repository

WHERE = '#!/bin/sh\nmkdir -p inst\necho "$R_LIBRARY_DIR" >inst/where\n'


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """``top`` needs ``leaf``, of which the repository has 2.0 and, in its archive, 1.0-2; ``broken`` is no R."""
    made = Repository(tmp_path_factory.mktemp("cran of ünusual name"))
    made.add("leaf", "2.0")
    made.add("leaf", "1.0-2", archived=True)
    code = "x <- function() paste('top 1.0 with', leaf::x())\n"
    made.add("top", "1.0", code, needs="Imports: leaf (>= 1.0),\n    stats\n", configure=WHERE)
    made.add("broken", "1.0", "stop('this code is broken')\n")
    return made


def project(folder: Path, lock: str, main: str = "cat(top::x(), fill=TRUE)\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "renv.lock").write_text(lock)
    (folder / "main.R").write_text(main)
    return folder
