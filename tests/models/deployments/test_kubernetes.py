"""The target kubernetes, against a kubectl that keeps what is applied in a file and says what a cluster would.

It stands in for kubectl and a cluster: what is applied is checked here in form, and no API server sees it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.register_assert_rewrite("mlproj.testing.deployment_suite")

from mlproj.foundation.errors import ServiceError, UsageError  # noqa: E402
from mlproj.models.deployments import registry  # noqa: E402
from mlproj.models.deployments.base import Wanted  # noqa: E402
from mlproj.models.deployments.kubernetes import KubernetesTarget  # noqa: E402
from mlproj.testing.deployment_suite import DeploymentSuite  # noqa: E402
from tests.heard import Heard  # noqa: E402

_KUBECTL = """\
#!{python}
import json, pathlib, sys
kept, log = pathlib.Path({folder!r}, "objects.json"), pathlib.Path({folder!r}, "log")
objects = json.loads(kept.read_text()) if kept.exists() else {{}}
words = sys.argv[1:]
with log.open("a") as file:
    file.write(json.dumps(words) + "\\n")
where = words[words.index("--namespace") + 1]
words = words[words.index("--namespace") + 2:]

def image(one):
    spec = one["spec"]
    return (spec["predictor"] if "predictor" in spec else spec["template"]["spec"])["containers"][0]["image"]

if words[0] == "apply":
    for one in json.load(sys.stdin)["items"]:
        assert one["metadata"]["namespace"] == where and "status" not in one
        if one["kind"] != "Service":
            good = "broken" not in image(one)
            replicas = one["spec"].get("replicas", 1)
            one["status"] = {{"observedGeneration": 1, "updatedReplicas": replicas}}
            one["status"]["availableReplicas"] = replicas * good
            one["status"]["conditions"] = [{{"type": "Ready", "status": str(good)}}]
            one["metadata"].update(generation=1, uid="u", resourceVersion="7")
        objects[one["kind"].lower() + "/" + one["metadata"]["name"]] = one
elif words[0] == "get":
    found = objects.get(words[1] + "/" + words[2])
    print(json.dumps(found) if found else "")
elif words[0] in ("rollout", "wait"):
    sys.exit("broken" in image(objects[words[2]]))
elif words[0] == "delete":
    objects.pop(words[1] + "/" + words[2], None)
else:
    sys.exit("error: unknown command")
kept.write_text(json.dumps(objects))
"""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the kubectl that is first on PATH."""
    program = tmp_path / "kubectl"
    program.write_text(_KUBECTL.format(python=sys.executable, folder=str(tmp_path)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(registry, "push", lambda image, _progress: f"{image.partition(':')[0]}@sha256:{image[-1] * 64}")
    return tmp_path


def objects(cluster: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((cluster / "objects.json").read_text())
    return found


def wanted(image: str, **options: str) -> Wanted:
    return Wanted("churn", f"registry/{image}", f"sha256:{image}", options)


class _Suite(DeploymentSuite):
    kserve = "false"

    @pytest.fixture
    def target(self, cluster: Path) -> KubernetesTarget:
        return KubernetesTarget()

    @pytest.fixture
    def progress(self) -> Heard:
        return Heard()

    @pytest.fixture
    def first(self) -> Wanted:
        return wanted("churn:1", kserve=self.kserve)

    @pytest.fixture
    def second(self) -> Wanted:
        return wanted("churn:2", kserve=self.kserve, memory="2Gi")

    @pytest.fixture
    def broken(self) -> Wanted:
        return wanted("broken:3", kserve=self.kserve, timeout="1")

    @pytest.fixture
    def asked(self, cluster: Path) -> Callable[[str], str]:
        return lambda _url: json.dumps([one["metadata"]["annotations"] for one in objects(cluster).values()])


class TestDeployment(_Suite):
    pass


class TestInferenceService(_Suite):
    kserve = "true"


def test_what_is_applied_is_rolled_out_without_a_gap_by_nobody_in_particular(cluster: Path) -> None:
    options = {"namespace": "ml", "context": "prod", "replicas": "3", "memory": "2Gi", "cpu": "1", "workers": "2"}
    running = KubernetesTarget().create(wanted("churn:1", **options), Heard())
    assert running.url == "http://churn.ml.svc"
    deployment, service = objects(cluster)["deployment/churn"], objects(cluster)["service/churn"]
    spec, pod = deployment["spec"], deployment["spec"]["template"]["spec"]
    assert spec["replicas"] == 3 and spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert spec["selector"]["matchLabels"] == service["spec"]["selector"]
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
    assert pod["securityContext"]["runAsNonRoot"] is True
    (container,) = pod["containers"]
    assert container["image"] == f"registry/churn@sha256:{'1' * 64}" and "--workers=2" in container["args"]
    assert container["resources"] == {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "2Gi"}}
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys()
    log = [json.loads(line) for line in (cluster / "log").read_text().splitlines()]
    assert all(words[:4] == ["--context", "prod", "--namespace", "ml"] for words in log)


def test_a_plan_is_yaml_that_says_the_same_without_a_cluster() -> None:
    import yaml

    text = KubernetesTarget().plan(wanted("churn:1", kserve="true", replicas="2"))
    (service,) = yaml.safe_load_all(text)
    assert (service["apiVersion"], service["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    predictor = service["spec"]["predictor"]
    assert predictor["minReplicas"] == 2 and predictor["containers"][0]["ports"][0]["name"] == "http1"
    assert [one["kind"] for one in yaml.safe_load_all(KubernetesTarget().plan(wanted("x:1")))] == [
        "Deployment",
        "Service",
    ]
    assert "&id" not in text


@pytest.mark.parametrize(
    "option", ["namespace=--all", "replicas=0", "memory=2 G; x", "kserve=yes", "context=--kubeconfig"]
)
def test_values_that_mean_something_else_to_kubectl_are_refused(cluster: Path, option: str) -> None:
    name, _, value = option.partition("=")
    with pytest.raises(UsageError, match=f"-C {name}="):
        KubernetesTarget().create(wanted("churn:1", **{name: value}), Heard())
    assert not (cluster / "log").exists()


def test_what_is_there_already_is_left_alone(cluster: Path) -> None:
    KubernetesTarget().create(wanted("churn:1"), Heard())
    with pytest.raises(UsageError, match="has a deployment churn already"):
        KubernetesTarget().create(wanted("churn:2"), Heard())
    assert objects(cluster)["deployment/churn"]["metadata"]["annotations"]["mlproj/image-id"] == "sha256:churn:1"


def test_an_image_of_no_registry_is_not_pushed_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="is of no registry"):
        registry.push("churn:1", Heard())


def test_without_kubectl_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ServiceError, match="kubectl is not on PATH"):
        KubernetesTarget().create(wanted("churn:1", push="false"), Heard())
