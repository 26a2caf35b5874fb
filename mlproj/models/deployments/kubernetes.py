"""Runs a model's image in Kubernetes, by what ``kubectl`` applies: a Deployment with its Service, or KServe's
InferenceService."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from mlproj.foundation.errors import EnvironmentFailure, UsageError
from mlproj.foundation.progress import Progress
from mlproj.models.deployments import kubernetes_objects, registry
from mlproj.models.deployments.base import Running, State, Wanted
from mlproj.models.deployments.kubectl import Kubectl

_NUMBER = r"[1-9]\d{0,5}"
_FORMS = {
    "namespace": r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
    "context": r"[^\s-]\S*",
    "replicas": _NUMBER,
    "memory": r"\d+(\.\d+)?([KMGT]i?)?",
    "cpu": r"\d+(\.\d+)?|\d+m",
    "workers": _NUMBER,
    "timeout": _NUMBER,
    "push": r"true|false",
    "kserve": r"true|false",
}


class KubernetesTarget:
    """The cluster that ``kubectl`` reaches. The image has to be in a registry that the cluster reaches, too."""

    options: Mapping[str, str] = {
        "namespace": "where it runs (default: default)",
        "context": "the cluster, as kubectl config names it (default: the current one)",
        "replicas": "how many run beside each other (default: 1)",
        "memory": "what each may use, such as 1Gi (default: 1Gi)",
        "cpu": "what each is given, such as 500m (default: 500m)",
        "workers": "processes that predict, in each (default: 1)",
        "timeout": "seconds that it may take to answer after its start (default: 300)",
        "push": "false where the cluster has the image already (default: true)",
        "kserve": "true for an InferenceService of KServe (default: false)",
    }

    def plan(self, wanted: Wanted) -> str:
        """The objects as YAML."""
        _check(wanted.options)
        import yaml

        objects = json.loads(json.dumps(kubernetes_objects.made(wanted, wanted.image)))  # no anchors for what is shared
        text: str = yaml.safe_dump_all(objects, sort_keys=False, explicit_start=True)
        return text

    def create(self, wanted: Wanted, progress: Progress) -> Running:
        """Apply the objects, and wait until all replicas answer."""
        _check(wanted.options)
        running = _running(wanted)
        kubectl = _kubectl(running)
        if kubectl.get(*_main(running)) is not None:
            raise UsageError(f"the cluster has a {' '.join(_main(running))} already", hint="choose another --name")
        image = _pushed(wanted, progress)
        try:
            self._apply(kubectl, running, wanted, image, progress)
        except BaseException:
            self.delete(running)
            raise
        return running

    def update(self, running: Running, wanted: Wanted, progress: Progress) -> Running:
        """Roll it out: a replica is replaced when its successor answers. When none does, it is rolled back."""
        _check(wanted.options)
        new = _running(wanted)
        if new.handle != running.handle:
            raise UsageError("namespace, context and kserve stay as they are", hint="delete it, and deploy it anew")
        kubectl = _kubectl(running)
        before = [found for found in (kubectl.get(*one) for one in _objects(running)) if found is not None]
        image = _pushed(wanted, progress)
        try:
            self._apply(kubectl, running, wanted, image, progress)
        except BaseException:
            if before:
                kubectl.apply([kubernetes_objects.without_status(one) for one in before])
            raise
        return running

    def state(self, running: Running) -> State:
        """What the cluster says of the Deployment or InferenceService."""
        found = _kubectl(running).get(*_main(running))
        if found is None:
            return State("gone", detail=f"the cluster has no {' '.join(_main(running))}")
        return kubernetes_objects.state_of(found)

    def delete(self, running: Running) -> None:
        """Delete the objects, and wait until they are gone."""
        kubectl = _kubectl(running)
        for kind, name in _objects(running):
            kubectl.delete(kind, name)

    def _apply(self, kubectl: Kubectl, running: Running, wanted: Wanted, image: str, progress: Progress) -> None:
        patience = int(wanted.options.get("timeout") or kubernetes_objects.PATIENCE)
        with progress.step(f"rolling out {wanted.name}"):
            kubectl.apply(kubernetes_objects.made(wanted, image))
            if not kubectl.is_ready(*_main(running), patience):
                raise EnvironmentFailure(
                    f"{wanted.name} did not become ready within {patience} s",
                    hint=f"kubectl describe {' '.join(_main(running))} and kubectl logs tell why",
                )


def _check(options: Mapping[str, str]) -> None:
    for name, value in options.items():
        if not re.fullmatch(_FORMS[name], value, re.ASCII):
            hint = KubernetesTarget.options[name]
            raise UsageError(f"-C {name}={value!r:.100}: that is no value for it", hint=hint)


def _pushed(wanted: Wanted, progress: Progress) -> str:
    """The image as the cluster is to name it: by its digest, where it was pushed."""
    if wanted.options.get("push") == "false":
        return wanted.image
    return registry.push(wanted.image, progress)


def _running(wanted: Wanted) -> Running:
    namespace = wanted.options.get("namespace") or "default"
    handle = {
        "name": wanted.name,
        "namespace": namespace,
        "context": wanted.options.get("context") or "",
        "kind": "inferenceservice" if kubernetes_objects.is_kserve(wanted) else "deployment",
    }
    return Running(f"http://{wanted.name}.{namespace}.svc", handle)


def _main(running: Running) -> tuple[str, str]:
    return running.handle["kind"], running.handle["name"]


def _objects(running: Running) -> list[tuple[str, str]]:
    """All that was applied."""
    kind, name = _main(running)
    return [(kind, name), ("service", name)] if kind == "deployment" else [(kind, name)]


def _kubectl(running: Running) -> Kubectl:
    return Kubectl(running.handle["namespace"], running.handle["context"] or None)
