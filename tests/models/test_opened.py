from __future__ import annotations

import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from mlproj import tracking
from mlproj.foundation.errors import InvalidProject, MlprojError, SourceError, UsageError
from mlproj.foundation.progress import Silent
from mlproj.models.opened import OpenedModel, open_model
from mlproj.tracking.base import NewRun, Run
from mlproj.tracking.model_base import LoggedModel, LoggedModelStatus, ModelStore, RunModel
from tests.models.folder import model


def opened(text: str) -> OpenedModel:
    with open_model(text, Silent()) as found:
        assert (found.folder / "MLmodel").is_file()
        return found


def refused(text: str) -> MlprojError:
    with pytest.raises(MlprojError) as failure, open_model(text, Silent()):
        pass
    return failure.value


def folder_of(uri: str) -> Path:
    return Path(unquote(urlsplit(uri).path))


@pytest.fixture
def run() -> Run:
    """A run that logged the model ``model`` as MLflow before 3 does: among its artifacts."""
    store = tracking.open()
    found = store.create_run(NewRun(run_name="trained", status=tracking.base.Status.FINISHED))
    store.close()
    model(folder_of(found.artifact_uri) / "model", run_id=found.run_id)
    return found


@pytest.fixture
def models() -> Iterator[ModelStore]:
    store = tracking.open_models()
    yield store
    store.close()


def logged(models: ModelStore, run: Run, name: str, step: int = 0) -> LoggedModel:
    """A model that *run* logged as MLflow 3 does: at a place of its own."""
    made = models.create_logged_model(run.experiment_id, name=name, source_run_id=run.run_id)
    model(folder_of(made.artifact_uri), model_id=made.model_id)
    models.finish_logged_model(made.model_id, LoggedModelStatus.READY)
    models.link_models(run.run_id, [RunModel(made.model_id, step)])
    return made


def test_a_folder_is_used_where_it_is(tmp_path: Path) -> None:
    found = opened(str(model(tmp_path / "m")))
    assert found.folder == tmp_path / "m"
    assert (found.run, found.version, found.logged, found.name) == (None, None, None, "m")


def test_a_folder_knows_the_run_that_our_store_has(tmp_path: Path, run: Run) -> None:
    found = opened(str(model(tmp_path / "m", run_id=run.run_id)))
    assert found.run
    assert found.run.run_id == run.run_id


def test_a_model_of_a_run_by_id_name_and_last(run: Run) -> None:
    for reference in (run.run_id, run.run_id[:8], "trained", "last"):
        found = opened(f"runs:/{reference}/model")
        assert found.address == f"runs:/{run.run_id}/model"
        assert found.run
        assert found.run.run_id == run.run_id


def test_the_only_model_of_a_run_need_not_be_named(run: Run) -> None:
    assert opened("runs:/last").address == f"runs:/{run.run_id}/model"


def test_of_two_models_one_must_be_named(run: Run, models: ModelStore) -> None:
    logged(models, run, "other")
    error = refused("runs:/last")
    assert isinstance(error, UsageError)
    assert "logged 2 models" in str(error)
    assert f"runs:/{run.run_id[:8]}/model, runs:/{run.run_id[:8]}/other" in str(error.hint)


def test_a_name_that_the_run_did_not_log_is_answered_with_those_it_did(run: Run, models: ModelStore) -> None:
    logged(models, run, "other")
    error = refused("runs:/last/modle")
    assert isinstance(error, SourceError)
    assert f"it logged runs:/{run.run_id[:8]}/model" in str(error.hint)


def test_logged_models_are_found_by_id_and_by_name_the_newest_first(run: Run, models: ModelStore) -> None:
    first, second = logged(models, run, "net"), logged(models, run, "net", step=5)
    assert first.model_id != second.model_id
    found = opened("runs:/last/net")
    assert found.logged
    assert found.logged.model_id == second.model_id
    assert opened(f"models:/{first.model_id}").folder == folder_of(first.artifact_uri)
    assert found.run
    assert found.run.run_id == run.run_id


def test_registered_versions_by_number_alias_stage_and_latest(run: Run, models: ModelStore) -> None:
    made = logged(models, run, "net")
    models.create_registered_model("Wine")
    models.create_version("Wine", f"runs:/{run.run_id}/model", run_id=run.run_id)
    models.create_version("Wine", f"models:/{made.model_id}")
    models.set_alias("Wine", "champion", 1)
    models.move_to_stage("Wine", 2, "Production")
    by_address = {
        "models:/Wine/1": 1,
        "models:/Wine/02": 2,
        "models:/Wine@champion": 1,
        "models:/Wine/latest": 2,
        "models:/Wine/production": 2,
    }
    for text, number in by_address.items():
        found = opened(text)
        assert found.version
        assert (found.version.version, found.address) == (number, f"models:/Wine/{number}")
        assert found.run
        assert found.run.run_id == run.run_id
    assert opened("models:/Wine/2").folder == folder_of(made.artifact_uri)
    assert opened("models:/Wine/1").name == "Wine version 1"


@pytest.mark.parametrize("text", ["models:/Wine/9", "models:/Nobody/1", "models:/Wine@x", "models:/Wine/Staging"])
def test_what_the_registry_does_not_have_is_told(run: Run, models: ModelStore, text: str) -> None:
    models.create_registered_model("Wine")
    models.create_version("Wine", f"runs:/{run.run_id}/model", run_id=run.run_id)
    assert refused(text).exit_code == UsageError.exit_code


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "nested.tar.gz"])
def test_an_archive_is_unpacked_for_as_long_as_it_is_used(tmp_path: Path, kind: str) -> None:
    folder, file = model(tmp_path / "m"), tmp_path / f"m.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(file, "w") as archive:
            for path in folder.iterdir():
                archive.write(path, path.name)
    else:
        with tarfile.open(file, "w:gz") as packed:
            packed.add(folder, "m" if kind.startswith("nested") else ".")
    with open_model(str(file), Silent()) as found:
        assert (found.folder / "model.pkl").is_file()
        place = found.folder
    assert not place.exists()


def test_what_holds_no_model_is_told_with_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "train.py").touch()
    error = refused(str(tmp_path))
    assert isinstance(error, SourceError)
    assert "it holds train.py" in str(error)


def test_an_mlmodel_that_describes_none_is_invalid(tmp_path: Path) -> None:
    assert isinstance(refused(str(model(tmp_path, text="a: 1\n"))), InvalidProject)


@pytest.mark.needs("fsspec")
def test_a_model_in_an_object_store_is_copied_once(tmp_path: Path) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    folder = model(tmp_path / "m")
    memory.put(str(folder), "/bucket/m", recursive=True)
    found = opened("memory://bucket/m")
    assert found.folder.parent.name == "models"
    assert (found.folder / "model.pkl").read_bytes() == (folder / "model.pkl").read_bytes()
    shutil.rmtree(folder)
    assert opened("memory://bucket/m").folder == found.folder
    memory.pipe("/bucket/m/extra.txt", b"new")
    assert opened("memory://bucket/m").folder != found.folder


@pytest.mark.needs("fsspec")
def test_a_store_without_a_model_there_is_told() -> None:
    assert "there is no model at memory://nothing" in str(refused("memory://nothing/here"))
