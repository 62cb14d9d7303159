"""The failures of an upload, by what became of the file. None is given the URL, which is secret."""

from typing import Final

from trax_mcp.api.errors import Failure

_CALL_AGAIN: Final = "Call again to try anew."


def not_uploaded(
    code: str, happened: str, next_step: str = _CALL_AGAIN, *, http_status: int | None = None
) -> Failure:
    """After the reservation, the file did not arrive. With another next step, a retry is no use."""
    message = (
        f"{happened}, so the file was not uploaded; what was reserved for it stays in the media"
        f" library, empty. {next_step}"
    )
    is_retryable = next_step == _CALL_AGAIN
    return Failure(code=code, message=message, retryable=is_retryable, http_status=http_status)


def perhaps_uploaded(code: str, happened: str) -> Failure:
    """The whole file was sent, but its arrival was not confirmed."""
    message = (
        f"{happened}; whether the file arrived is not known."
        " Look with list_media before anything else."
    )
    return Failure(code=code, message=message, retryable=False, outcome="unknown")


def uploaded(code: str, happened: str, next_step: str) -> Failure:
    """The file arrived, but is not known to be ready."""
    message = f"The file was uploaded, but {happened} {next_step}"
    return Failure(code=code, message=message, retryable=False, outcome="applied")
