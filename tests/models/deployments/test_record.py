"""The record of deployments, without anything that runs."""

from __future__ import annotations

import threading

import pytest

from mlproj.foundation.errors import ServiceError, UsageError
from mlproj.models import deployments
from mlproj.models.deployments import deploying, record
from mlproj.models.deployments.base import Running
from mlproj.models.deployments.record import Deployment

CHURN = Deployment(
    "churn", "docker", "models:/churn/3", "3", "mlproj-churn:latest", "sha256:1", {"port": "8080"}, "ada",
    "2024-01-01T00:00:00+00:00", "2024-01-02T00:00:00+00:00", Running("http://127.0.0.1:8080", {"container": "c"}),
)  # fmt: skip


def test_a_deployment_is_read_as_it_was_written() -> None:
    record.write(CHURN)
    assert record.known() == [CHURN] and record.get("churn") == CHURN
    record.forget("churn")
    assert record.known() == [] and record.find("churn") is None


def test_a_name_that_is_not_there_or_none_is_refused() -> None:
    record.write(CHURN)
    with pytest.raises(UsageError, match="there is no deployment chur") as error:
        record.get("chur")
    assert error.value.hint == "did you mean 'churn'?"
    for name in ("", "../x", "Big", "a" * 60, "-a", "a_b"):
        with pytest.raises(UsageError, match="cannot be the name"):
            record.find(name)


def test_a_damaged_record_is_told_by_its_file() -> None:
    record.write(CHURN)
    (record.folder() / "churn.json").write_text('{"schema": 2}')
    with pytest.raises(ServiceError, match=r"churn\.json.*newer mlproj"):
        record.known()


def test_one_changes_a_deployment_at_a_time() -> None:
    order = []
    with record.alone("churn"):
        other = threading.Thread(target=lambda: [record.alone("churn").__enter__(), order.append("other")])
        other.start()
        other.join(0.2)
        order.append("first")
    other.join(10)
    assert order == ["first", "other"]


def test_a_target_that_cannot_be_asked_is_unknown_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def state(self, _running: Running) -> None:
            raise ServiceError("the engine is away")

    monkeypatch.setattr(deployments, "target", lambda _name: Away())
    found = deploying.state(CHURN)
    assert (found.status, found.detail) == ("unknown", "the engine is away")


def test_an_unknown_target_and_an_unknown_option_list_what_there_is() -> None:
    with pytest.raises(UsageError, match="there is no deployment called 'dokcer'; did you mean 'docker'"):
        deployments.target("dokcer")
    with pytest.raises(UsageError, match="docker knows no option 'ports'") as error:
        deploying._chosen("docker", {"ports": "1"})
    assert "port: where it answers" in str(error.value.hint)
