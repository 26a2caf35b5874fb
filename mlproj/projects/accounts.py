"""Services that a program signs in to: how their use is seen in code, and what whoever runs it needs."""

from __future__ import annotations

from mlproj.foundation.dataclass import dataclass


@dataclass(frozen=True)
class Account:
    """A service, what it asks for, and how that is given."""

    what: str
    needs: str
    hint: str


_WANDB = Account("Weights & Biases", "an account", "export WANDB_API_KEY=…, or WANDB_MODE=offline")
_DAGSHUB = Account(
    "DagsHub", "an account", "export DAGSHUB_USER_TOKEN=…, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
)
_KAGGLE = Account("Kaggle", "an account", "export KAGGLE_USERNAME=… KAGGLE_KEY=…, or ~/.kaggle/kaggle.json")
_HUGGING_FACE = Account("Hugging Face", "a token", "export HF_TOKEN=…")
_AWS = Account("Amazon's cloud", "credentials", "export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…, or aws configure")
_GOOGLE = Account(
    "Google's cloud", "credentials", "export GOOGLE_APPLICATION_CREDENTIALS=…, or gcloud auth application-default login"
)
_AZURE = Account("Azure", "credentials", "export AZURE_STORAGE_CONNECTION_STRING=…, or az login")
_COMET = Account("Comet", "an account", "export COMET_API_KEY=…")
_NEPTUNE = Account("Neptune", "an account", "export NEPTUNE_API_TOKEN=…")
_DATABRICKS = Account("Databricks", "a workspace and a token", "export DATABRICKS_HOST=… DATABRICKS_TOKEN=…")
_OPENAI = Account("OpenAI", "an API key", "export OPENAI_API_KEY=…")

CALLS = {
    **dict.fromkeys(("wandb.init", "wandb.login", "wandb.Api"), _WANDB),
    **dict.fromkeys(("dagshub.init", "dagshub.auth", "dagshub.login", "dagshub.get_repo_bucket_client"), _DAGSHUB),
    **dict.fromkeys(("kaggle.api", "kaggle.KaggleApi", "kagglehub.login", "opendatasets.download"), _KAGGLE),
    "kaggle.api.kaggle_api_extended.KaggleApi": _KAGGLE,
    **dict.fromkeys(
        ("huggingface_hub.login", "huggingface_hub.notebook_login", "huggingface_hub.create_repo"), _HUGGING_FACE
    ),
    **dict.fromkeys(("huggingface_hub.upload_file", "huggingface_hub.upload_folder"), _HUGGING_FACE),
    **dict.fromkeys(
        ("boto3.client", "boto3.resource", "boto3.Session", "boto3.session.Session", "sagemaker.Session"), _AWS
    ),
    **dict.fromkeys(("google.cloud.storage.Client", "google.cloud.bigquery.Client", "google.auth.default"), _GOOGLE),
    **dict.fromkeys(("azure.storage.blob.BlobServiceClient", "azure.identity.DefaultAzureCredential"), _AZURE),
    **dict.fromkeys(("comet_ml.Experiment", "comet_ml.init", "comet_ml.start"), _COMET),
    **dict.fromkeys(("neptune.init_run", "neptune.init"), _NEPTUNE),
    **dict.fromkeys(("openai.OpenAI", "openai.ChatCompletion.create"), _OPENAI),
}
"""The functions whose call needs an account, by their full names."""

ADDRESSES = {
    "https://dagshub.com/": _DAGSHUB,
    **dict.fromkeys(("s3://", "s3a://"), _AWS),
    **dict.fromkeys(("gs://", "gcs://"), _GOOGLE),
    **dict.fromkeys(("abfs://", "abfss://", "wasb://", "wasbs://"), _AZURE),
    "databricks://": _DATABRICKS,
}
"""What an address begins with that needs one."""
