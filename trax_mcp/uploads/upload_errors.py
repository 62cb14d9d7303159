"""The failures of an upload, by what became of the file. None is given the URL, which is secret."""

from typing import Final, TypeVar

from trax_mcp.api.errors import TraxError

ErrorT = TypeVar("ErrorT", bound=TraxError)

_CALL_AGAIN: Final = "Call again to try anew."


def not_uploaded(
    kind: type[ErrorT],
    code: str,
    happened: str,
    next_step: str = _CALL_AGAIN,
    *,
    http_status: int | None = None,
) -> ErrorT:
    """After the reservation, the file did not arrive. With another next step, a retry is no use."""
    return kind(
        code,
        happened,
        next_step,
        not_done=(
            ", so the file was not uploaded; what was reserved for it stays in the media library,"
            " empty"
        ),
        retryable=next_step == _CALL_AGAIN,
        http_status=http_status,
    )


def uploaded(kind: type[ErrorT], code: str, happened: str, next_step: str) -> ErrorT:
    """The file arrived, but is not known to be ready."""
    return kind(
        code, f"The file was uploaded, but {happened}", next_step, not_done="", outcome="applied"
    )
