"""What can go wrong with an upload once its place is reserved, put into words.

Pure. No address of an upload can enter, since none is handed in.
"""

from dataclasses import replace
from typing import Final

from trax_mcp.api.errors import (
    BadAnswer,
    Failure,
    LostAnswer,
    NoConnection,
    NotSent,
    Outcome,
    Refused,
    TraxError,
)

_NOT_UPLOADED: Final = (
    "so the file was not uploaded; what was reserved for it stays in the media library, empty."
)
_AGAIN: Final = "Call again to try anew."
_LOOK: Final = "whether the file arrived is not known. Look with list_media before anything else."
_MAY_PASS: Final = frozenset({408, 425, 429})
_SERVER_ERROR: Final = 500


def unfit_address() -> BadAnswer:
    """The address that TRaX gave is none to which a file may be sent."""
    message = (
        f"TRaX gave an upload address that is not https, {_NOT_UPLOADED}"
        " Tell whoever runs this TRaX."
    )
    return BadAnswer(Failure(code="bad_answer", message=message, retryable=False))


def not_reached() -> NoConnection:
    """No connection to the storage was made."""
    message = f"The storage that TRaX named could not be reached, {_NOT_UPLOADED} {_AGAIN}"
    return NoConnection(Failure(code="unreachable", message=message, retryable=True))


def turned_away(status: int) -> Refused:
    """The storage answered, and not with a success; what else it said is told to nobody."""
    may_pass = status in _MAY_PASS or status >= _SERVER_ERROR
    next_step = _AGAIN if may_pass else "The same call is likely to fail again."
    message = f"The storage answered the upload with HTTP {status}, {_NOT_UPLOADED} {next_step}"
    return Refused(
        Failure(code="upload_failed", message=message, retryable=may_pass, http_status=status)
    )


def broke_off(*, whole: bool) -> LostAnswer:
    """The connection broke, before or after all of the file was sent."""
    return _lost("unreachable", "The connection to the storage broke", whole=whole)


def stalled(*, seconds: float, whole: bool) -> LostAnswer:
    """The storage took nothing more, or did not answer, for so long."""
    happened = "did not confirm the upload" if whole else "took nothing more of the file"
    return _lost("timeout", f"The storage {happened} for {seconds:g} s", whole=whole)


def unfit_meanwhile(why: str, remedy: str) -> NotSent:
    """The file can no longer be sent as it was reserved."""
    message = f"The file {why}, {_NOT_UPLOADED} {remedy}"
    return NotSent(Failure(code="invalid_file", message=message, retryable=False))


def unfit(why: str, remedy: str) -> NotSent:
    """The file is none that can be uploaded; nothing is reserved."""
    message = f"The file {why}, so nothing was sent. {remedy}"
    return NotSent(Failure(code="invalid_file", message=message, retryable=False))


def not_processed() -> Refused:
    """The file arrived, and TRaX could make nothing of it."""
    message = (
        "The file was uploaded, but TRaX could not process it: the media library lists it as"
        " FAILED. Tell the person; do not upload the same file again."
    )
    return Refused(_done("upload_failed", message))


def still_processed(*, seconds: float) -> LostAnswer:
    """The file arrived, and was not ready in the time there was."""
    message = (
        f"The file was uploaded, but TRaX has not finished processing it in {seconds:g} s."
        " Do not upload it again: list_media shows when it is READY."
    )
    return LostAnswer(_done("timeout", message))


def unseen(error: TraxError) -> TraxError:
    """The file arrived, and whether it is ready could not be read."""
    message = (
        "The file was uploaded, but whether it is ready could not be seen."
        f" Do not upload it again. {error.failure.message}"
    )
    return type(error)(replace(error.failure, message=message, outcome="applied", retryable=False))


def _done(code: str, message: str) -> Failure:
    return Failure(code=code, message=message, retryable=False, outcome="applied")


def _lost(code: str, happened: str, *, whole: bool) -> LostAnswer:
    outcome: Outcome = "unknown" if whole else "not_applied"
    message = f"{happened}; {_LOOK}" if whole else f"{happened}, {_NOT_UPLOADED} {_AGAIN}"
    return LostAnswer(Failure(code=code, message=message, retryable=not whole, outcome=outcome))
