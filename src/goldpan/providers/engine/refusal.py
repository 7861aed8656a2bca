"""The one way the engine says no: a status and OpenAI's error object."""

from __future__ import annotations

from typing import Any

from goldpan.errors import ProviderError


class ServiceError(ProviderError):
    """A refusal as an OpenAI-compatible service words it.

    Args:
        status: HTTP status.
        message: one sentence for people.
        code: machine-readable reason, e.g. `invalid_value`.
        param: the parameter that is at fault.
        kind: OpenAI's `type`; by default it goes by the status.
        where, remedy: for whoever runs the engine; no response has them.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        kind: str | None = None,
        where: str | None = None,
        remedy: str | None = None,
    ):
        super().__init__(
            message,
            where=where,
            remedy=remedy,
            status=status,
            code=code,
            retryable=status == 429 or status >= 500,
        )
        self.param = param
        self.kind = kind or _KINDS.get(status, "server_error" if status >= 500 else "invalid_request_error")

    def as_openai(self) -> dict[str, Any]:
        """The object that stands under `error` in a response."""
        return {"message": self.what, "type": self.kind, "param": self.param, "code": self.code}


_KINDS = {401: "authentication_error", 429: "rate_limit_error"}
