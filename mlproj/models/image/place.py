"""Where things are in the image of a model."""

from __future__ import annotations

TOP = "/opt/mlproj"
"""The folder of all that we put in; the environment is below it, too."""

SERVER = f"{TOP}/server"
"""mlproj and the packages that its server needs; the model's own never see it."""

PYTHON = f"{TOP}/python"
"""A Python for the server, where the image has none that is new enough."""

MODEL = f"{TOP}/model"
FACTS = f"{TOP}/model.json"
"""What is known of the model besides its files: its name, version and address."""

MOUNTED = ("/opt/ml/model", "/mnt/models")
"""Where SageMaker and KServe put a model that is to be served in place of the image's own."""

PORT = 8080
"""The port of SageMaker's and KServe's containers."""

PORT_VARIABLE = "SAGEMAKER_BIND_TO_PORT"
WORKERS_VARIABLE = "SAGEMAKER_MODEL_SERVER_WORKERS"
TIMEOUT_VARIABLE = "SAGEMAKER_MODEL_SERVER_TIMEOUT"
