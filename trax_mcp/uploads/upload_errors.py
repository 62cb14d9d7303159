"""The messages of failed uploads. No function here takes the upload URL, which is a secret."""

from dataclasses import replace
from typing import Final

from trax_mcp.api.errors import (
    BadAnswer,
    Failure,
    LostAnswer,
    NoConnection,
    NotSent,
    Refused,
    TraxError,
)

_NOT_UPLOADED: Final = (
    "so the file was not uploaded; what was reserved for it stays in the media library, empty."
)
_AGAIN: Final = "Call again to try anew."
_VERIFY: Final = "whether the file arrived is not known. Look with list_media before anything else."
_TRANSIENT: Final = frozenset({408, 425, 429})
_SERVER_ERROR: Final = 500


def invalid_upload_url() -> BadAnswer:
    """The upload URL from TRaX is not acceptable."""
    message = (
        f"TRaX gave an upload address that is not https, {_NOT_UPLOADED}"
        " Tell whoever runs this TRaX."
    )
    return BadAnswer(Failure(code="bad_answer", message=message, retryable=False))


def storage_unreachable() -> NoConnection:
    """No connection to the storage was made."""
    message = f"The storage that TRaX named could not be reached, {_NOT_UPLOADED} {_AGAIN}"
    return NoConnection(Failure(code="unreachable", message=message, retryable=True))


def upload_refused(status: int) -> Refused:
    """The storage answered with an error. Its text is not shown, since it may hold the URL."""
    retryable = status in _TRANSIENT or status >= _SERVER_ERROR
    next_step = _AGAIN if retryable else "The same call is likely to fail again."
    message = f"The storage answered the upload with HTTP {status}, {_NOT_UPLOADED} {next_step}"
    return Refused(
        Failure(code="upload_failed", message=message, retryable=retryable, http_status=status)
    )


def upload_interrupted(*, is_complete: bool) -> LostAnswer:
    """The connection broke, before or after the file was sent completely."""
    happened = "The connection to the storage broke"
    return _lost("unreachable", happened, is_complete=is_complete)


def upload_timed_out(*, seconds: float, is_complete: bool) -> LostAnswer:
    """The storage accepted no more bytes, or did not answer, in time."""
    happened = "did not confirm the upload" if is_complete else "took nothing more of the file"
    return _lost("timeout", f"The storage {happened} for {seconds:g} s", is_complete=is_complete)


def file_changed(why: str, remedy: str) -> NotSent:
    """After the reservation, the file cannot be sent any more."""
    message = f"The file {why}, {_NOT_UPLOADED} {remedy}"
    return NotSent(Failure(code="invalid_file", message=message, retryable=False))


def invalid_file(why: str, remedy: str) -> NotSent:
    """The file cannot be uploaded. Nothing was reserved."""
    message = f"The file {why}, so nothing was sent. {remedy}"
    return NotSent(Failure(code="invalid_file", message=message, retryable=False))


def processing_failed() -> Refused:
    """The file arrived, but TRaX could not process it."""
    message = (
        "The file was uploaded, but TRaX could not process it: the media library lists it as"
        " FAILED. Tell the person; do not upload the same file again."
    )
    return Refused(_applied("upload_failed", message))


def processing_timed_out(*, seconds: float) -> LostAnswer:
    """The file arrived, but was not ready in time."""
    message = (
        f"The file was uploaded, but TRaX has not finished processing it in {seconds:g} s."
        " Do not upload it again: list_media shows when it is READY."
    )
    return LostAnswer(_applied("timeout", message))


def status_unknown(error: TraxError) -> TraxError:
    """The file arrived, but whether it is ready could not be read."""
    message = (
        "The file was uploaded, but whether it is ready could not be seen."
        f" Do not upload it again. {error.failure.message}"
    )
    return type(error)(replace(error.failure, message=message, outcome="applied", retryable=False))


def _applied(code: str, message: str) -> Failure:
    return Failure(code=code, message=message, retryable=False, outcome="applied")


def _lost(code: str, happened: str, *, is_complete: bool) -> LostAnswer:
    if is_complete:
        message = f"{happened}; {_VERIFY}"
        return LostAnswer(Failure(code=code, message=message, retryable=False, outcome="unknown"))
    message = f"{happened}, {_NOT_UPLOADED} {_AGAIN}"
    return LostAnswer(Failure(code=code, message=message, retryable=True))
