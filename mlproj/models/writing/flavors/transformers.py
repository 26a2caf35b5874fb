"""Pipelines of transformers: weights as safetensors, tokenizer and the like beside them. MLflow answers for them."""

from __future__ import annotations

from typing import Any

from mlproj.models.writing.version import installed_of, version_of
from mlproj.models.writing.written import Order, Written

_COMPONENTS = ("tokenizer", "feature_extractor", "image_processor", "processor")


def write(order: Order) -> Written:
    """The pipeline's model and what prepares its input."""
    pipeline = order.model
    pipeline.model.save_pretrained(str(order.folder / "model"), safe_serialization=True)
    options: dict[str, Any] = {
        "transformers_version": version_of("transformers"),
        "code": None,
        "task": pipeline.task,
        "instance_type": type(pipeline).__name__,
        "pipeline_model_type": type(pipeline.model).__name__,
        "source_model_name": getattr(pipeline.model, "name_or_path", ""),
        "model_binary": "model",
        "framework": "pt",
        "torch_dtype": str(getattr(pipeline.model, "dtype", "torch.float32")),
        "components": [],
    }
    for name in _COMPONENTS:
        component = getattr(pipeline, name, None)
        if component is not None:
            component.save_pretrained(str(order.folder / "components" / name))
            options["components"].append(name)
            options[f"{name}_type"] = type(component).__name__
    needs = ("transformers", "torch", installed_of("mlflow-skinny", "mlflow"), "pandas")
    return Written("transformers", options, {"loader_module": "mlflow.transformers"}, "safetensors", needs)
