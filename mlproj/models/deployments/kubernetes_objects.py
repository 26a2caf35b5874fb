"""The objects of Kubernetes that serve a model, and what their status says.

Deployment and Service: https://kubernetes.io/docs/reference/kubernetes-api/; InferenceService:
https://kserve.github.io/website/ (``serving.kserve.io/v1beta1``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlproj.models.deployments.base import State, Wanted
from mlproj.models.image import place

PATIENCE = 300
"""Seconds that a model may take to answer after its start, unless told otherwise."""

_IMAGE_ID = "mlproj/image-id"
_PERIOD = 5  # seconds between the questions of a probe
_GRACE = 40  # seconds that a replica has to finish what it was asked


def is_kserve(wanted: Wanted) -> bool:
    """Whether KServe is to run it."""
    return wanted.options.get("kserve") == "true"


def made(wanted: Wanted, image: str) -> list[dict[str, Any]]:
    """What is applied for *wanted*, of the image as the cluster names it."""
    return [_inference_service(wanted, image)] if is_kserve(wanted) else [_deployment(wanted, image), _service(wanted)]


def state_of(found: Mapping[str, Any]) -> State:
    """What the status of a Deployment or InferenceService says."""
    status = found.get("status") or {}
    annotations = _annotations(found)
    if found.get("kind") == "InferenceService":
        ready: Mapping[str, Any] = next(
            (one for one in status.get("conditions") or () if one.get("type") == "Ready"), {}
        )
        word = {"True": "ready", "False": "failed"}.get(str(ready.get("status")), "starting")
        return State(word, annotations.get(_IMAGE_ID), str(ready.get("message") or ""))
    wanted = int((found.get("spec") or {}).get("replicas") or 0)
    updated, available = (int(status.get(name) or 0) for name in ("updatedReplicas", "availableReplicas"))
    seen = status.get("observedGeneration", 0) >= (found.get("metadata") or {}).get("generation", 0)
    word = "ready" if seen and updated == wanted and available >= wanted else "starting"
    if any(one.get("reason") == "ProgressDeadlineExceeded" for one in status.get("conditions") or ()):
        word = "failed"
    return State(word, annotations.get(_IMAGE_ID), f"{available} of {wanted} replicas answer")


def without_status(found: Mapping[str, Any]) -> dict[str, Any]:
    """An object as it can be applied again: without what the cluster wrote into it."""
    metadata = {name: value for name, value in found["metadata"].items() if name in ("name", "namespace", "labels")}
    metadata["annotations"] = {_IMAGE_ID: _annotations(found).get(_IMAGE_ID, "")}
    return {**{name: value for name, value in found.items() if name != "status"}, "metadata": metadata}


def _annotations(found: Mapping[str, Any]) -> Mapping[str, str]:
    return (found.get("metadata") or {}).get("annotations") or {}


def _metadata(wanted: Wanted) -> dict[str, Any]:
    namespace = wanted.options.get("namespace") or "default"
    return {
        "name": wanted.name,
        "namespace": namespace,
        "labels": _labels(wanted),
        "annotations": {_IMAGE_ID: wanted.image_id},
    }


def _labels(wanted: Wanted) -> dict[str, str]:
    return {"app.kubernetes.io/name": wanted.name, "app.kubernetes.io/managed-by": "mlproj"}


def _selector(wanted: Wanted) -> dict[str, str]:
    return {"app.kubernetes.io/name": wanted.name}


def _deployment(wanted: Wanted, image: str) -> dict[str, Any]:
    patience = int(wanted.options.get("timeout") or PATIENCE)
    pod = {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": _GRACE,
        "containers": [_container(wanted, image, "model")],
    }
    # With the image's id among the template's annotations, a tag that moved is rolled out, too.
    template = {"metadata": {"labels": _labels(wanted), "annotations": {_IMAGE_ID: wanted.image_id}}, "spec": pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(wanted),
        "spec": {
            "replicas": int(wanted.options.get("replicas") or 1),
            "progressDeadlineSeconds": patience,
            "selector": {"matchLabels": _selector(wanted)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": template,
        },
    }


def _service(wanted: Wanted) -> dict[str, Any]:
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(wanted),
        "spec": {"selector": _selector(wanted), "ports": ports},
    }


def _inference_service(wanted: Wanted, image: str) -> dict[str, Any]:
    replicas = int(wanted.options.get("replicas") or 1)
    container = _container(wanted, image, "kserve-container")
    predictor = {"minReplicas": replicas, "maxReplicas": replicas, "containers": [container]}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": _metadata(wanted),
        "spec": {"predictor": predictor},
    }


def _container(wanted: Wanted, image: str, name: str) -> dict[str, Any]:
    options = wanted.options
    memory = options.get("memory") or "1Gi"
    return {
        "name": name,
        "image": image,
        "args": ["serve", f"--model-name={wanted.name}", f"--workers={options.get('workers') or 1}"],
        # Knative, on which KServe builds, takes that name of a port only, and has its own patience at the start.
        "ports": [{"name": "http1" if is_kserve(wanted) else "http", "containerPort": place.PORT, "protocol": "TCP"}],
        **({"readinessProbe": _probe("/ping")} if is_kserve(wanted) else _probes(wanted)),
        "resources": {
            "requests": {"cpu": options.get("cpu") or "500m", "memory": memory},
            "limits": {"memory": memory},
        },
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }


def _probes(wanted: Wanted) -> dict[str, Any]:
    patience = int(wanted.options.get("timeout") or PATIENCE)
    return {
        "startupProbe": {**_probe("/ping"), "failureThreshold": -(-patience // _PERIOD)},
        "readinessProbe": _probe("/ping"),
        "livenessProbe": {**_probe("/v2/health/live"), "failureThreshold": 3},
    }


def _probe(path: str) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": place.PORT}, "periodSeconds": _PERIOD, "timeoutSeconds": _PERIOD}
