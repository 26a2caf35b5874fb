"""``kubectl``, in one namespace of one cluster."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from mlproj.foundation import process
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import ServiceError
from mlproj.foundation.process import Completed
from mlproj.foundation.redaction import redact


@dataclass(frozen=True)
class Kubectl:
    """The program, told where: ``context`` None is the one that it goes by itself. Methods raise ServiceError."""

    namespace: str
    context: str | None = None

    def apply(self, objects: Sequence[Mapping[str, Any]]) -> None:
        """Make or change *objects*."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self._do("apply", "--filename", "-", stdin=json.dumps(listed).encode())

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """The object, None where there is none."""
        done = self._do("get", kind, name, "--ignore-not-found", "--output", "json")
        if not done.text.strip():
            return None
        found: dict[str, Any] = json.loads(done.text)
        return found

    def is_ready(self, kind: str, name: str, patience: int) -> bool:
        """Whether it became ready within *patience* seconds."""
        waited = f"--timeout={patience}s"
        words = ("rollout", "status", f"{kind}/{name}", waited)
        if kind != "deployment":
            words = ("wait", "--for=condition=Ready", f"{kind}/{name}", waited)
        return self._run(*words).returncode == 0

    def delete(self, kind: str, name: str) -> None:
        """Delete it, and wait until it is gone; what is not there is no failure."""
        self._do("delete", kind, name, "--ignore-not-found", "--wait")

    def _do(self, *words: str, stdin: bytes | None = None) -> Completed:
        done = self._run(*words, stdin=stdin)
        if done.returncode:
            lines = [line for line in done.error_text.splitlines() if line.strip()]
            reason = redact(lines[-1]) if lines else f"it ended with code {done.returncode}"
            raise ServiceError(f"kubectl {words[0]} failed: {reason}", hint="kubectl config view tells which cluster")
        return done

    def _run(self, *words: str, stdin: bytes | None = None) -> Completed:
        program = shutil.which("kubectl")
        if program is None:
            raise ServiceError(
                "kubectl is not on PATH", hint="https://kubernetes.io/docs/tasks/tools", is_program_missing=True
            )
        context = ["--context", self.context] if self.context else []
        return process.run([program, *context, "--namespace", self.namespace, *words], input=stdin)
