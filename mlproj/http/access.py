"""Credentials and TLS of a tracking server, by the variables and the file that MLflow's client reads."""

from __future__ import annotations

import configparser
import os
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, unquote

from mlproj.foundation import basic_login
from mlproj.foundation.errors import UsageError


def _basic(user: str | None, password: str | None) -> str:
    return basic_login.authorization(f"{unquote(user or '')}:{unquote(password or '')}")


def proxy_authorization(proxy: SplitResult) -> dict[str, str]:
    """The header for *proxy*, where its address has a login."""
    return {"Proxy-Authorization": _basic(proxy.username, proxy.password)} if proxy.username else {}


def authorization(user: str | None, password: str | None) -> dict[str, str]:
    """The header for a server: by the address's *user* and *password*, else by MLflow's variables, else by its file of
    credentials; a user and password before a token, as there. Raises UsageError for a token that is none."""
    if user is not None:
        return {"Authorization": _basic(user, password)}
    filed = _filed_credentials()
    user = os.environ.get("MLFLOW_TRACKING_USERNAME") or filed.get("mlflow_tracking_username")
    password = os.environ.get("MLFLOW_TRACKING_PASSWORD") or filed.get("mlflow_tracking_password")
    if user and password:
        return {"Authorization": basic_login.authorization(f"{user}:{password}")}
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    if token and not re.fullmatch(r"[!-~]+", token):
        raise UsageError(
            "MLFLOW_TRACKING_TOKEN contains characters that no token can contain",
            hint="check for a space or a line break at its end",
        )
    return {"Authorization": f"Bearer {token}"} if token else {}


def _filed_credentials() -> Mapping[str, str]:
    """``~/.mlflow/credentials``, which MLflow's ``mlflow.login`` and users write."""
    reader = configparser.ConfigParser(interpolation=None)
    try:
        reader.read(Path("~/.mlflow/credentials").expanduser(), encoding="utf-8")
        return dict(reader["mlflow"]) if reader.has_section("mlflow") else {}
    except (OSError, RuntimeError, ValueError, configparser.Error):
        return {}


def tls_context() -> ssl.SSLContext:
    """TLS as MLflow's variables set it. Raises UsageError for a certificate that cannot be used."""
    authority = os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or os.environ.get("REQUESTS_CA_BUNDLE")
    try:
        context = ssl.create_default_context()
        if authority:
            folder = Path(authority).is_dir()
            context.load_verify_locations(capath=authority if folder else None, cafile=None if folder else authority)
        if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("true", "1"):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if client := os.environ.get("MLFLOW_TRACKING_CLIENT_CERT_PATH"):
            context.load_cert_chain(client)
        return context
    except OSError as error:
        raise UsageError(f"the certificate that MLFLOW_TRACKING_…_CERT_PATH names cannot be used: {error}") from error
