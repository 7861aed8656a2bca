"""What MLflow's client raises: its own errors, and those of its HTTP library, its databases and its files."""

from __future__ import annotations

from goldpan.providers.service_errors import may_pass


def status_of(error: Exception) -> int | None:
    """The HTTP status that MLflow's client or its HTTP library met; None where no answer came."""
    status_code = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(status_code, int):
        return status_code
    status = getattr(error, "get_http_status_code", None)
    return status() if callable(status) else None


def is_of_the_call(error: Exception) -> bool:
    """Whether an exception is about a call or a store, and not a fault of whoever made the call."""
    named = {"MlflowException", "HTTPError", "SQLAlchemyError"}
    return isinstance(error, OSError | ImportError) or not _names(error).isdisjoint(named)


def is_passing(error: Exception) -> bool:
    """Whether the same call may go well later."""
    status = status_of(error)
    if status is not None:
        return may_pass(status)
    # A disk that is full or a driver that is not there stay so.
    return not _names(error).isdisjoint(
        {"RequestException", "HTTPError", "ConnectionError", "TimeoutError", "OperationalError"}
    )


def _names(error: Exception) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}
