"""What every store of models must do. A store's own tests subclass :class:`ModelSuite` and give it its two fixtures.

Name the module in ``pytest.register_assert_rewrite`` before it is imported, so that a failure shows its values.
"""

from __future__ import annotations

import json
import math
import threading

import pytest

from mlproj.foundation.errors import UsageError
from mlproj.tracking.base import AlreadyExists, NewRun, NotFound, TrackingStore, WrongState
from mlproj.tracking.model_base import (
    LoggedModelStatus,
    ModelDataset,
    ModelMetric,
    ModelOrder,
    ModelStore,
    RunModel,
    Stage,
)

_ODD = "naïve 模型 '\"%_`; DROP TABLE x"


class ModelSuite:
    """Give it fixtures ``models`` and ``store``, which are of one place that is empty for each test."""

    def test_a_registered_model_is_read_back(self, models: ModelStore) -> None:
        made = models.create_registered_model(_ODD, description="what it is", tags={"k": _ODD})
        assert models.get_registered_model(_ODD) == made
        assert (made.name, made.description, made.tags, made.aliases, made.latest_versions) == (
            _ODD,
            "what it is",
            {"k": _ODD},
            {},
            (),
        )
        assert made.creation_time == made.last_update_time > 1_600_000_000_000

    def test_a_name_is_given_once(self, models: ModelStore) -> None:
        models.create_registered_model("m")
        models.create_registered_model("other")
        with pytest.raises(AlreadyExists, match="'m'"):
            models.create_registered_model("m")
        with pytest.raises(AlreadyExists, match="'m'"):
            models.rename_registered_model("other", "m")

    @pytest.mark.parametrize("name", ["", "  ", "a/b", "models:/x", "..", ".", "x" * 1000, "nul\0"])
    def test_a_name_that_would_break_a_uri_is_refused(self, models: ModelStore, name: str) -> None:
        with pytest.raises(UsageError, match="name"):
            models.create_registered_model(name)
        models.create_registered_model("fine")
        with pytest.raises(UsageError, match="name"):
            models.rename_registered_model("fine", name)

    def test_what_is_not_there_is_named(self, models: ModelStore) -> None:
        models.create_registered_model("digits")
        with pytest.raises(NotFound, match="did you mean 'digits'"):
            models.get_registered_model("digit")
        with pytest.raises(NotFound, match="no version 4"):
            models.get_version("digits", 4)
        with pytest.raises(UsageError, match="no alias 'champion'"):
            models.get_version_by_alias("digits", "champion")

    def test_a_version_is_read_back(self, models: ModelStore) -> None:
        models.create_registered_model("m")
        made = models.create_version(
            "m",
            "s3://b/model",
            run_id="r1",
            run_link="http://l",
            description="d",
            user="me",
            tags={"k": "v", "Ключ": "я"},
        )
        assert made == models.get_version("m", 1)
        assert (made.name, made.version, made.source, made.stage, made.status) == (
            "m",
            1,
            "s3://b/model",
            Stage.NONE,
            "READY",
        )
        assert (made.run_id, made.run_link, made.description, made.user) == ("r1", "http://l", "d", "me")
        assert made.tags == {"k": "v", "Ключ": "я"}
        assert models.download_uri("m", 1) == "s3://b/model"

    def test_credentials_in_addresses_are_in_no_field(self, models: ModelStore) -> None:
        address, shown = "s3://me:word@bucket/x", "s3://****@bucket/x"
        models.create_registered_model("m", description=f"from {address}", tags={"at": address})
        models.update_registered_model("m", description=f"now from {address}")
        models.set_registered_model_tag("m", "new", address)
        models.create_version("m", address, run_link=address, description=address, tags={"at": address})
        models.set_version_tag("m", 1, "new", address)
        logged = models.create_logged_model("0", params={"at": address}, tags={"at": address})
        kept, version = models.get_registered_model("m"), models.get_version("m", 1)
        assert (kept.description, kept.tags) == (f"now from {shown}", {"at": shown, "new": shown})
        assert (version.source, version.run_link, version.description) == (shown, shown, shown)
        assert version.tags == {"at": shown, "new": shown}
        found = models.get_logged_model(logged.model_id)
        assert "word" not in f"{found} {kept} {version} {models.download_uri('m', 1)}"

    def test_a_number_is_never_given_twice(self, models: ModelStore) -> None:
        models.create_registered_model("m")
        for _ in range(2):
            models.create_version("m", "s3://b/x")
        models.delete_version("m", 2)
        assert models.create_version("m", "s3://b/x").version == 3
        with pytest.raises(NotFound):
            models.get_version("m", 2)

    def test_versions_made_at_the_same_time_get_numbers_of_their_own(self, models: ModelStore) -> None:
        models.create_registered_model("m")
        numbers: list[int] = []
        threads = [
            threading.Thread(
                target=lambda: numbers.extend(models.create_version("m", "s3://b/x").version for _ in range(5))
            )
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(numbers) == list(range(1, 21))

    def test_an_alias_stands_for_one_version(self, models: ModelStore) -> None:
        models.create_registered_model("m")
        for _ in range(2):
            models.create_version("m", "s3://b/x")
        models.set_alias("m", "champion", 1)
        models.set_alias("m", "other", 1)
        assert models.get_version_by_alias("m", "champion").aliases == ("champion", "other")
        models.set_alias("m", "champion", 2)
        assert models.get_version_by_alias("m", "champion").version == 2
        assert models.get_registered_model("m").aliases == {"champion": 2, "other": 1}
        models.delete_alias("m", "other")
        models.delete_alias("m", "never-there")
        models.delete_version("m", 2)
        assert models.get_registered_model("m").aliases == {}
        assert models.get_version_by_alias("m", "Latest").version == 1

    @pytest.mark.parametrize("alias", ["", "latest", "LATEST", "v3", "a b", "a/b", "a@b", "x" * 256])
    def test_an_alias_that_means_something_else_is_refused(self, models: ModelStore, alias: str) -> None:
        models.create_registered_model("m")
        models.create_version("m", "s3://b/x")
        with pytest.raises(UsageError, match="alias"):
            models.set_alias("m", alias, 1)

    def test_an_alias_for_a_missing_version_is_refused(self, models: ModelStore) -> None:
        models.create_registered_model("m")
        with pytest.raises(NotFound, match="no version 1"):
            models.set_alias("m", "champion", 1)

    def test_stages_have_a_newest_version_each(self, models: ModelStore) -> None:
        models.create_registered_model("m")
        for _ in range(4):
            models.create_version("m", "s3://b/x")
        models.move_to_stage("m", 1, "production")
        models.move_to_stage("m", 2, "Production")
        models.move_to_stage("m", 3, "STAGING")
        newest = [(version.version, version.stage) for version in models.get_registered_model("m").latest_versions]
        assert newest == [(2, Stage.PRODUCTION), (3, Stage.STAGING), (4, Stage.NONE)]
        assert [version.version for version in models.latest_versions("m", ["production"])] == [2]
        assert [version.version for version in models.latest_versions("m")] == [2, 3, 4]

    def test_others_are_archived_when_asked(self, models: ModelStore) -> None:
        models.create_registered_model("m")
        for _ in range(3):
            models.create_version("m", "s3://b/x")
        models.move_to_stage("m", 1, "Production")
        assert models.move_to_stage("m", 2, "Production", archive_others=True).stage is Stage.PRODUCTION
        assert models.get_version("m", 1).stage is Stage.ARCHIVED
        assert models.get_version("m", 3).stage is Stage.NONE
        with pytest.raises(UsageError, match="Archived"):
            models.move_to_stage("m", 2, "Archived", archive_others=True)
        with pytest.raises(UsageError, match="Invalid Model Version stage"):
            models.move_to_stage("m", 2, "Prod")

    def test_tags_are_set_replaced_and_removed(self, models: ModelStore) -> None:
        models.create_registered_model("m")
        models.create_version("m", "s3://b/x")
        for value in ("1", "2"):
            models.set_registered_model_tag("m", "k", value)
            models.set_version_tag("m", 1, "k", value)
        assert models.get_registered_model("m").tags == models.get_version("m", 1).tags == {"k": "2"}
        for _ in range(2):
            models.delete_registered_model_tag("m", "k")
            models.delete_version_tag("m", 1, "k")
        assert models.get_registered_model("m").tags == models.get_version("m", 1).tags == {}
        for key in ("", "x" * 251):
            with pytest.raises(UsageError, match="tag"):
                models.set_version_tag("m", 1, key, "v")

    def test_a_renamed_model_keeps_all_it_has(self, models: ModelStore) -> None:
        models.create_registered_model("old", tags={"k": "v"})
        models.create_version("old", "s3://b/x", tags={"a": "b"})
        models.set_alias("old", "champion", 1)
        renamed = models.rename_registered_model("old", "new")
        assert (renamed.name, renamed.tags, renamed.aliases) == ("new", {"k": "v"}, {"champion": 1})
        assert models.get_version("new", 1).tags == {"a": "b"}
        with pytest.raises(NotFound):
            models.get_registered_model("old")

    def test_a_deleted_model_is_gone_with_its_versions(self, models: ModelStore) -> None:
        models.create_registered_model("m", tags={"k": "v"})
        models.create_version("m", "s3://b/x", tags={"k": "v"})
        models.set_alias("m", "champion", 1)
        models.delete_registered_model("m")
        assert models.search_versions().items == [] and models.search_registered_models().items == []
        assert models.create_registered_model("m").tags == {}
        assert models.create_version("m", "s3://b/x").tags == {}

    def test_descriptions_change(self, models: ModelStore) -> None:
        models.create_registered_model("m")
        models.create_version("m", "s3://b/x")
        assert models.update_registered_model("m", description="new").description == "new"
        assert models.update_version("m", 1, description="new").description == "new"

    def test_registered_models_are_searched(self, models: ModelStore) -> None:
        for name, team in (("beta", "x"), ("alpha", "x"), ("Gamma_1", "y")):
            models.create_registered_model(name, tags={"team": team})

        def found(filter: str, *order_by: str) -> list[str]:
            return [model.name for model in models.search_registered_models(filter=filter, order_by=order_by).items]

        assert sorted(found("")) == ["Gamma_1", "alpha", "beta"]
        assert found("name = 'beta'") == ["beta"]
        assert found("name LIKE '%a'", "name DESC") == ["beta", "alpha"]
        assert found("name ILIKE 'gamma%'") == ["Gamma_1"]
        assert found("tags.team = 'x' AND name != 'beta'") == ["alpha"]
        assert found("tag.`team` = 'y'") == ["Gamma_1"]
        assert found("", "last_updated_timestamp DESC", "name ASC")
        with pytest.raises(UsageError, match="no attribute"):
            found("stage = 'x'")

    def test_prompts_are_found_only_when_asked_for(self, models: ModelStore) -> None:
        models.create_registered_model("model")
        models.create_registered_model("prompt", tags={"mlflow.prompt.is_prompt": "true"})
        models.create_version("model", "s3://b/x")
        models.create_version("prompt", "dummy-source", tags={"mlflow.prompt.is_prompt": "true"})
        with pytest.raises(UsageError, match="source of a prompt"):
            models.create_version("prompt", "/etc/passwd", tags={"mlflow.prompt.is_prompt": "true"})
        expected_history = {
            "": ["model"],
            "tag.`mlflow.prompt.is_prompt` = 'true'": ["prompt"],
            "tag.`mlflow.prompt.is_prompt` != 'true'": ["model"],
            "tag.`mlflow.prompt.is_prompt` = 'false' AND name = 'model'": ["model"],
        }
        for filter, names in expected_history.items():
            assert [model.name for model in models.search_registered_models(filter=filter).items] == names
            assert [version.name for version in models.search_versions(filter=filter).items] == names

    def test_versions_are_searched(self, models: ModelStore) -> None:
        for name in ("a", "b"):
            models.create_registered_model(name)
            for number in (1, 2, 3):
                models.create_version(name, f"s3://b/{name}/{number}", run_id=f"run{number}", tags={"n": str(number)})

        def found(filter: str, *order_by: str) -> list[tuple[str, int]]:
            return [
                (version.name, version.version)
                for version in models.search_versions(filter=filter, order_by=order_by).items
            ]

        assert found("name = 'a'", "version_number ASC") == [("a", 1), ("a", 2), ("a", 3)]
        assert found("run_id = 'run2'", "name") == [("a", 2), ("b", 2)]
        assert found("run_id IN ('run1', 'run3') AND name = 'b'", "version_number DESC") == [("b", 3), ("b", 1)]
        assert found("source_path = 's3://b/a/2'") == [("a", 2)]
        assert found("tags.n = '3' AND name LIKE 'b%'") == [("b", 3)]
        assert found("version_number > 1 AND version_number <= 2", "name") == [("a", 2), ("b", 2)]
        assert len(found("")) == 6

    def test_pages_neither_repeat_nor_skip(self, models: ModelStore) -> None:
        for number in range(7):
            models.create_registered_model(f"m{number}")
            models.create_version(f"m{number}", "s3://b/x")
        names: list[str] = []
        token = None
        while True:
            page = models.search_registered_models(limit=3, page_token=token)
            names += [model.name for model in page.items]
            token = page.next_page_token
            if token is None:
                break
        assert names == [f"m{number}" for number in range(7)]
        assert models.search_versions(limit=3).next_page_token
        with pytest.raises(UsageError, match="page token"):
            models.search_versions(page_token="nonsense")

    def test_a_logged_model_is_read_back(self, models: ModelStore, store: TrackingStore) -> None:
        run = store.create_run(NewRun())
        made = models.create_logged_model(
            run.experiment_id,
            name="digits",
            source_run_id=run.run_id,
            model_type="agent",
            params={"a": "1"},
            tags={"k": "v"},
        )
        assert made == models.get_logged_model(made.model_id)
        assert made.model_id.startswith("m-") and len(made.model_id) == 34
        assert (made.name, made.status, made.source_run_id) == ("digits", LoggedModelStatus.PENDING, run.run_id)
        assert (made.params, made.tags, made.metrics) == ({"a": "1"}, {"k": "v"}, ())
        assert made.artifact_uri == run.artifact_uri.replace(f"{run.run_id}/", f"models/{made.model_id}/")

    def test_a_logged_model_is_finished_and_deleted(self, models: ModelStore) -> None:
        made = models.create_logged_model("0")
        assert made.name
        assert models.finish_logged_model(made.model_id, LoggedModelStatus.READY).status is LoggedModelStatus.READY
        models.delete_logged_model(made.model_id)
        with pytest.raises(NotFound):
            models.get_logged_model(made.model_id)
        assert models.get_logged_model(made.model_id, deleted_too=True).lifecycle_stage == "deleted"
        assert models.search_logged_models(["0"]).items == []

    @pytest.mark.parametrize("name", ["", "a/b", "a:b", "a.b", "a%b", "a'b", 'a"b'])
    def test_a_logged_model_with_a_wrong_name_is_refused(self, models: ModelStore, name: str) -> None:
        with pytest.raises(UsageError, match="name"):
            models.create_logged_model("0", name=name)

    def test_a_deleted_experiment_takes_no_model(self, models: ModelStore, store: TrackingStore) -> None:
        experiment = store.create_experiment("e")
        store.update_experiment(experiment.experiment_id, lifecycle_stage="deleted")
        with pytest.raises(WrongState):
            models.create_logged_model(experiment.experiment_id)
        with pytest.raises(NotFound):
            models.create_logged_model("4711")

    def test_tags_and_parameters_of_a_logged_model(self, models: ModelStore) -> None:
        model_id = models.create_logged_model("0", params={"a": "1"}).model_id
        models.log_model_params(model_id, {"b": "2", "a": "1"})
        with pytest.raises(UsageError, match="'a'"):
            models.log_model_params(model_id, {"c": "3", "a": "other"})
        models.set_logged_model_tags(model_id, {"k": "1", "l": "2"})
        assert models.set_logged_model_tags(model_id, {"k": "3"}).tags == {"k": "3", "l": "2"}
        models.delete_logged_model_tag(model_id, "k")
        with pytest.raises(NotFound):
            models.delete_logged_model_tag(model_id, "k")
        read = models.get_logged_model(model_id)
        assert (read.params, read.tags) == ({"a": "1", "b": "2"}, {"l": "2"})

    def test_metrics_of_a_logged_model(self, models: ModelStore) -> None:
        model_id = models.create_logged_model("0").model_id
        points = [
            ModelMetric(model_id, "loss", 0.5, 10, 1, "r" * 32, "train", "d1"),
            ModelMetric(model_id, "loss", math.inf, 11, 2, "r" * 32),
        ]
        for _ in range(2):
            models.log_model_metrics(points)
        assert list(models.get_logged_model(model_id).metrics) == points
        models.log_model_metrics([ModelMetric(model_id, "x", math.nan, 1)])
        assert math.isnan(models.get_logged_model(model_id).metrics[-1].value)
        with pytest.raises(NotFound):
            models.log_model_metrics([ModelMetric("m-" + "0" * 32, "x", 1.0, 1)])

    def test_logged_models_are_searched(self, models: ModelStore) -> None:
        ids = {
            name: models.create_logged_model("0", name=name, params={"lr": str(index)}, tags={"t": name}).model_id
            for index, name in enumerate("abc")
        }
        for index, name in enumerate("abc"):
            models.log_model_metrics(
                [
                    ModelMetric(ids[name], "acc", 0.9, 1, 0),
                    ModelMetric(
                        ids[name],
                        "acc",
                        0.1 * index,
                        2,
                        1,
                        dataset_name="test" if name == "b" else "train",
                        dataset_digest="d",
                    ),
                ]
            )
        models.finish_logged_model(ids["c"], LoggedModelStatus.READY)

        def found(
            filter: str = "",
            *order_by: ModelOrder,
            datasets: tuple[ModelDataset, ...] = (),
            experiments: tuple[str, ...] = ("0",),
        ) -> str:
            page = models.search_logged_models(experiments, filter=filter, order_by=order_by, datasets=datasets)
            return "".join(model.name for model in page.items)

        by_name = ModelOrder("name")
        assert found("", by_name) == "abc" and found(experiments=()) == ""
        assert found("name = 'b'") == "b"
        assert found("params.lr != '0' AND tags.t = 'c'") == "c"
        assert found("metrics.acc = 0.2") == "c"
        assert found("status = 'READY'") == "c"
        assert (
            found("", ModelOrder("metrics.acc")) == "abc"
            and found("", ModelOrder("metrics.acc", ascending=False)) == "cba"
        )
        assert found("", by_name, datasets=(ModelDataset("train", "d"),)) == "ac"
        assert found("metrics.acc < 0.5", datasets=(ModelDataset("test"),)) == "b"
        assert found("", ModelOrder("metrics.acc", dataset_name="test"))[0] == "b"
        first = models.search_logged_models(["0"], limit=2, order_by=[ModelOrder("metrics.acc")])
        rest = models.search_logged_models(
            ["0"], limit=2, order_by=[ModelOrder("metrics.acc")], page_token=first.next_page_token
        )
        assert [model.name for model in (*first.items, *rest.items)] == ["a", "b", "c"] and rest.next_page_token is None

    def test_a_version_of_a_logged_model_knows_it(self, models: ModelStore, store: TrackingStore) -> None:
        run = store.create_run(NewRun())
        logged = models.create_logged_model(run.experiment_id, source_run_id=run.run_id)
        models.create_registered_model("m")
        version = models.create_version("m", f"models:/{logged.model_id}")
        assert (version.model_id, version.run_id) == (logged.model_id, run.run_id)
        assert models.download_uri("m", 1) == logged.artifact_uri
        models.create_version("m", logged.artifact_uri, model_id=logged.model_id)
        noted = json.loads(models.get_logged_model(logged.model_id).tags["mlflow.modelVersions"])
        assert noted == [
            {"name": "m", "version": 1},
            {"name": "m", "version": 2},
        ]  # numbers, as MLflow's server writes them
        with pytest.raises(NotFound):
            models.create_version("m", "models:/m-" + "0" * 32)

    def test_a_version_is_copied(self, models: ModelStore) -> None:
        models.create_registered_model("m")
        models.create_registered_model("copy")
        models.create_version("m", "s3://b/x", run_id="r1")
        models.set_alias("m", "champion", 1)
        models.move_to_stage("m", 1, "Staging")
        for source in ("models:/m/1", "models:/m@champion", "models:/m/latest", "models:/m/staging"):
            version = models.create_version("copy", source)
            assert (version.source, version.run_id) == ("models:/m/1", "r1")
            assert models.download_uri("copy", version.version) == "s3://b/x"
        for source in ("models:/m/7", "models:/none/1", "models:/m@none", "models:/m", "models:/m/Production"):
            with pytest.raises(UsageError):
                models.create_version("copy", source)

    @pytest.mark.parametrize(
        "source",
        ["", " ", "mlflow-artifacts:/1/../../etc", "s3://b/%2e%2e/x", "s3://b/%252e%252e/x", "/a\0b", "x" * 5000],
    )
    def test_a_source_that_leads_elsewhere_is_refused(self, models: ModelStore, source: str) -> None:
        models.create_registered_model("m")
        with pytest.raises(UsageError, match="source"):
            models.create_version("m", source)
        assert models.create_version("m", "s3://b/x").version == 1

    def test_a_source_on_this_machine_is_of_its_run_or_model(self, models: ModelStore, store: TrackingStore) -> None:
        models.create_registered_model("m")
        run, other = store.create_run(NewRun()), store.create_run(NewRun())
        logged = models.create_logged_model(run.experiment_id)
        inside = f"{run.artifact_uri}/model"
        assert models.create_version("m", inside, run_id=run.run_id).source == inside
        assert models.create_version("m", inside.removeprefix("file://"), run_id=run.run_id).run_id == run.run_id
        assert models.create_version("m", logged.artifact_uri, model_id=logged.model_id).model_id == logged.model_id
        of_others = [
            place for place in (inside, f"{other.artifact_uri}x") if place.startswith("file:")
        ]  # else it is not on this machine
        for source in (*of_others, "/etc/passwd", "file:///etc", "etc", "C:\\models", "file://host/etc", "FILE:/etc"):
            with pytest.raises(
                UsageError, match=r"(?i)to use a local path as a model version source, .*artifacts of its run"
            ):
                models.create_version("m", source, run_id=other.run_id)
        if of_others:
            with pytest.raises(UsageError, match="artifacts of its run"):
                models.create_version("m", inside)

    @pytest.mark.parametrize(
        "source",
        [
            "mlflow-artifacts:/1/x/artifacts/model",
            "mlflow-artifacts://elsewhere/{path}",
            "http://elsewhere/api/2.0/mlflow-artifacts/artifacts/{path}",
            "https://elsewhere/model",
            "sftp://elsewhere/model",
            "runs://elsewhere/{run_id}/model",
            "models://elsewhere/m/1",
        ],
    )
    def test_a_source_at_another_host_or_outside_of_its_run_is_refused(
        self, models: ModelStore, store: TrackingStore, source: str
    ) -> None:
        models.create_registered_model("m")
        run = store.create_run(NewRun())
        expected_history = source.format(run_id=run.run_id, path=f"{run.experiment_id}/{run.run_id}/artifacts/model")
        with pytest.raises(UsageError, match="cannot be the source of a version"):
            models.create_version("m", expected_history, run_id=run.run_id)

    def test_a_source_that_this_server_hands_out_is_of_its_run_or_model(
        self, models: ModelStore, store: TrackingStore
    ) -> None:
        models.create_registered_model("m")
        run, other = store.create_run(NewRun()), store.create_run(NewRun())
        logged = models.create_logged_model(run.experiment_id)
        inside = f"mlflow-artifacts:/{run.experiment_id}/{run.run_id}/artifacts/model"
        made = f"mlflow-artifacts:/{run.experiment_id}/models/{logged.model_id}/artifacts"
        assert models.create_version("m", inside, run_id=run.run_id).source == inside
        assert models.create_version("m", made, model_id=logged.model_id).source == made
        for run_id, model_id in ((other.run_id, None), ("0" * 32, None), (None, None), (None, logged.model_id)):
            with pytest.raises(UsageError, match="artifacts of its run"):
                models.create_version("m", inside, run_id=run_id, model_id=model_id)
        with pytest.raises(UsageError, match="of a run"):
            models.create_version("m", f"runs:/{run.run_id}/model", model_id=logged.model_id)

    def test_a_prompt_is_the_source_of_no_model(self, models: ModelStore) -> None:
        tags = {"mlflow.prompt.is_prompt": "true"}
        models.create_registered_model("p", tags=tags)
        models.create_version("p", "prompt-template", tags=tags)
        models.create_registered_model("m")
        with pytest.raises(UsageError, match="prompt"):
            models.create_version("m", "models:/p/1")

    def test_a_source_names_its_run(self, models: ModelStore, store: TrackingStore) -> None:
        models.create_registered_model("m")
        run = store.create_run(NewRun())
        version = models.create_version("m", f"runs:/{run.run_id}/model")
        assert version.run_id == run.run_id and models.download_uri("m", 1) == f"runs:/{run.run_id}/model"
        with pytest.raises(UsageError, match="not of the run"):
            models.create_version("m", f"runs:/{run.run_id}/model", run_id="0" * 32)

    def test_runs_know_the_models_they_made_and_used(self, models: ModelStore, store: TrackingStore) -> None:
        run, other = store.create_run(NewRun()), store.create_run(NewRun())
        made = models.create_logged_model(run.experiment_id, source_run_id=run.run_id).model_id
        for _ in range(2):
            models.link_models(run.run_id, [RunModel(made, 3), RunModel(made, 0, output=False)])
        known = models.models_of_runs([run.run_id, other.run_id])
        assert {run_id: list(found) for run_id, found in known.items()} == {
            run.run_id: [RunModel(made, 0, output=False), RunModel(made, 3)]
        }
        with pytest.raises(NotFound):
            models.link_models("0" * 32, [RunModel(made)])

    def test_the_history_of_models_grows(self, models: ModelStore, store: TrackingStore) -> None:
        run = store.create_run(NewRun())
        for path in ("a", "b"):
            models.append_model_history(run.run_id, {"artifact_path": path})
        expected_history = json.loads(store.get_run(run.run_id).tags["mlflow.log-model.history"])
        assert expected_history == [{"artifact_path": "a"}, {"artifact_path": "b"}]

    def test_what_is_purged_leaves_no_models(self, models: ModelStore, store: TrackingStore) -> None:
        experiment = store.create_experiment("e")
        run = store.create_run(NewRun(experiment_id=experiment.experiment_id))
        made = models.create_logged_model(experiment.experiment_id, params={"a": "1"}, tags={"k": "v"}).model_id
        models.link_models(run.run_id, [RunModel(made)])
        store.update_experiment(experiment.experiment_id, lifecycle_stage="deleted")
        store.purge()
        assert models.models_of_runs([run.run_id]) == {}
        with pytest.raises(NotFound):
            models.get_logged_model(made, deleted_too=True)
