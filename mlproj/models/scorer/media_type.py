"""The content type of a request, read as MLflow's server reads it; what it refuses is answered with 415."""

from __future__ import annotations

from typing import NamedTuple

CSV = "text/csv"
JSON = "application/json"
PARQUET = "application/vnd.apache.parquet"
NUMPY_SPLIT = "application/json-numpy-split"
FORMATS = ("pandas-records", "pandas-split")

PROTOCOL_CHANGED = (
    "IMPORTANT: The MLflow Model scoring protocol has changed in MLflow version 2.0. If you are"
    " seeing this error, you are likely using an outdated scoring request format. To resolve the"
    " error, either update your request format or adjust your MLflow Model's requirements file to"
    " specify an older version of MLflow (for example, change the 'mlflow' requirement specifier"
    " to 'mlflow==1.30.0'). If you are making a request using the MLflow client"
    " (e.g. via `mlflow.pyfunc.spark_udf()`), upgrade your MLflow client to a version >= 2.0 in"
    " order to use the new request format. For more information about the updated MLflow"
    " Model scoring protocol in MLflow 2.0, see"
    " https://mlflow.org/docs/latest/models.html#deploy-mlflow-models."
)


class MediaType(NamedTuple):
    """A type the server reads; *format* and *first_protocol*: as clients of MLflow 1 send it."""

    name: str
    format: str | None = None
    first_protocol: bool = False


class UnsupportedMediaType(Exception):
    """The text of the answer, whose status is 415."""


_KNOWN: dict[str, MediaType] = {text: MediaType(text) for text in (JSON, CSV, PARQUET)}


def parse_media_type(text: str, first_protocol: bool = False) -> MediaType:
    """The content type; with *first_protocol* those of MLflow 1, too."""
    if not first_protocol and text in _KNOWN:
        return _KNOWN[text]
    name, *pairs = map(str.strip, text.split(";"))
    parameters = {key: value for key, _, value in (pair.partition("=") for pair in pairs)}
    if parameters.get("charset", "utf-8").lower() != "utf-8":
        raise UnsupportedMediaType("The scoring server only supports UTF-8")
    format = parameters.get("format")
    if first_protocol and (format in FORMATS if name == JSON else name == NUMPY_SPLIT and not format):
        return MediaType(name, format, True)
    unknown = set(parameters).difference({"charset"})
    if unknown:
        raise UnsupportedMediaType(
            "Unrecognized content type parameters: {}. {}".format(", ".join(unknown), PROTOCOL_CHANGED)
        )
    if name not in _KNOWN:
        raise UnsupportedMediaType(
            f"This predictor only supports the following content types: Types: {[CSV, JSON, PARQUET]}. Got '{text}'."
        )
    return MediaType(name, None, first_protocol)
