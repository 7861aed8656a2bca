"""The Pydantic model of a tracker in the study file: where the runs of a study are uploaded to."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from goldpan.study.base import Model

_ADDRESS_OF = {"braintrust": "base_url", "mlflow": "tracking_uri"}
"""kind -> the key with its address, which no other kind may have."""
_MLFLOW_SCHEMES = ("http", "https", "sqlite", "postgresql", "mysql", "mssql", "databricks", "file")


def fault_of_mlflow_address(address: str) -> str | None:
    """Why a text is no address of MLflow, to be said after its name: it may hold a password itself."""
    scheme, sign, _ = address.partition("://")
    if not sign and ("@" in address or ":" in address):
        return "must be an address that begins with https:// or http://"
    if sign and scheme.lower().partition("+")[0] not in _MLFLOW_SCHEMES:
        return f"must begin with one of {', '.join(f'{known}://' for known in _MLFLOW_SCHEMES)}"
    try:
        # Asked for, as only then they are read.
        _ = urlsplit(address).port
    except ValueError:
        return "is no address: look at its host, its port and its brackets"
    return None


class Tracker(Model):
    """Where runs are uploaded to. Keys come from the environment or `.env`, and are never written here."""

    kind: Literal["braintrust", "mlflow"] = Field(
        description="braintrust: key in BRAINTRUST_API_KEY; mlflow: needs the extra `mlflow`, credentials in"
        " MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
    )
    project: str = Field(
        min_length=1, description="Name of the project there; of MLflow that of the experiment."
    )
    base_url: str | None = Field(
        None,
        description="braintrust only: another address of its API; default https://api.braintrust.dev/v1.",
    )
    tracking_uri: str | None = Field(
        None, description="mlflow only: where it is; default the variable MLFLOW_TRACKING_URI."
    )
    timeout_seconds: float = Field(60.0, gt=0, description="Limit for one HTTP call.")
    patience_seconds: float = Field(
        120.0, ge=0, description="How long a call is repeated while the tracker fails in a way that may pass."
    )

    @model_validator(mode="after")
    def _the_address_goes_with_the_kind(self) -> Tracker:
        for kind, key in _ADDRESS_OF.items():
            address = getattr(self, key)
            if address is None:
                continue
            if kind != self.kind:
                raise ValueError(f"`{key}` goes with kind: {kind}")
            # The address itself is not shown: it may hold a password.
            if kind == "mlflow" and (fault := fault_of_mlflow_address(address)) is not None:
                raise ValueError(f"`{key}` {fault}")
            parts = urlsplit(address)
            if kind == "braintrust" and (parts.scheme not in ("http", "https") or not parts.hostname):
                raise ValueError(f"`{key}` must be an address that begins with https:// or http://")
            if parts.password or (parts.username and parts.scheme in ("http", "https")):
                raise ValueError(f"`{key}` must not hold a name or password: they come from the environment")
        return self
