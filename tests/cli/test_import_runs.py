from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.mlflow_import.test_program_log import FIRST, file_run


@pytest.mark.parametrize("form", ["{}", "file://{}", "sqlite:///{}"])
def test_a_folder_of_mlflow_is_imported_again_and_again(cli: Cli, tmp_path: Path, form: str) -> None:
    file_run(tmp_path / "mlruns", FIRST, 1_700_000_000_000, name="theirs")
    if form.startswith("sqlite"):
        assert cli("import", "mlruns", form.format(tmp_path / "none.db")).code == 2
        return
    first, second = (cli("import", "mlruns", form.format(tmp_path / "mlruns")) for _ in range(2))
    assert (first.out, second.out) == ("1 new runs, 0 brought up to date\n", "0 new runs, 0 brought up to date\n")
    assert FIRST in cli("runs", "list").out


def test_json_tells_which_runs(cli: Cli, tmp_path: Path) -> None:
    file_run(tmp_path / "mlruns", FIRST, 1_700_000_000_000)
    assert json.loads(cli("import", "mlruns", tmp_path / "mlruns", "--json").out)["imported"] == {
        "new": [FIRST],
        "updated": [],
        "left": [],
    }


def test_a_place_that_is_no_file_is_refused(cli: Cli) -> None:
    result = cli("import", "mlruns", "postgresql://me:secret@db/mlflow")
    assert result.code == 2 and "cannot be imported" in result.err and "secret" not in result.err
