"""Images in registries, from which other machines get them."""

from __future__ import annotations

from mlproj.environments.containers import engine as engines
from mlproj.environments.containers import image as images
from mlproj.environments.containers.container import engine_message
from mlproj.foundation.errors import ServiceError, UsageError
from mlproj.foundation.progress import Progress


def push(image: str, progress: Progress) -> str:
    """Push *image*, and return the name under which the registry gives exactly this one. Raises UsageError for a name
    without a registry, ServiceError."""
    if "/" not in image:
        raise UsageError(
            f"the image {image} is of no registry, and only this machine has it",
            hint="-C image=REGISTRY/NAME:TAG, or -C push=false where the cluster has it already",
        )
    engine = engines.find()
    with progress.step(f"pushing {image}"):
        done = engine.run("push", image)
    if done.returncode:
        raise ServiceError(f"{engine.name} cannot push {image}: {engine_message(done.error_text or done.text)}")
    pushed = images.find(engine, image)
    return pushed.digest if pushed is not None and pushed.digest else image
