"""What a storage can do wrong, as one table: what is said, what became of the file, how many tries.

The upload address is a secret, and in no failure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx
import pytest

from tests.support.media_samples import MP4
from tests.support.product.faults import Fault, Request, RequestHandler, Response
from tests.support.upload_storage import ADDRESS, Answer, StorageTransport
from tests.support.uploads import (
    NOT_UPLOADED,
    PUT,
    RESERVE,
    Json,
    calls,
    failure,
    keep_content,
    open_uploads,
    send_to,
    upload,
    upload_failure,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.product.sandbox import Sandbox

RETRY: Final = "Call again to retry."
CHECK_FIRST: Final = (
    "It's unclear whether the file arrived. Check with list_media before anything else."
)
UNREACHABLE: Final = "The storage that TRaX named couldn't be reached"
BROKEN: Final = "The connection to the storage broke"
LATE: Final = "The storage didn't take the file in time"
ANSWERED: Final = "answered the upload with"
TELL: Final = "Tell the people who run this TRaX."
USELESS: Final = "Tell the user the reason before you call again."


def refused(status: int, advice: str, reason: str = "") -> Json:
    """The failure after an answer with this status."""
    answered = "redirects the upload, which isn't followed:" if status < 400 else ANSWERED
    message = f"The storage {answered} HTTP {status}{reason}, {NOT_UPLOADED} {advice}"
    expected = upload_failure("upload_failed", message, httpStatus=status)
    return expected | {"retryable": advice == RETRY}


def unconfirmed(code: str, happened: str, **rest: object) -> Json:
    """The failure of a file that may have arrived."""
    return upload_failure(code, f"{happened}. {CHECK_FIRST}", "unknown", **rest)


def explained(reason: str) -> str:
    """The body of a storage's error."""
    message = f"see {ADDRESS}"
    return (
        f'<?xml version="1.0"?>\n<Error><Code>{reason}</Code><Message>{message}</Message></Error>'
    )


NOT_REACHED: Final = upload_failure("unreachable", f"{UNREACHABLE}, {NOT_UPLOADED} {RETRY}") | {
    "retryable": True
}
BROKE: Final = httpx.ReadError(ADDRESS)
STORAGES: Final[list[tuple[Answer, Json, int]]] = [
    *((Answer(it), refused(it, TELL), 1) for it in (303, 307)),
    *((Answer(it), refused(it, USELESS), 1) for it in (403, 413)),
    *((Answer(it), refused(it, RETRY), 2) for it in (408, 425, 429, 500, 503)),
    (Answer(httpx.ConnectError(f"no route to {ADDRESS}"), takes=0), NOT_REACHED, 2),
    (Answer(httpx.ConnectTimeout(ADDRESS), takes=0), NOT_REACHED, 2),
    (Answer(httpx.WriteError(ADDRESS), takes=1), unconfirmed("unreachable", BROKEN), 2),
    (Answer(httpx.WriteTimeout(ADDRESS), takes=1), unconfirmed("timeout", LATE), 1),
    (Answer(httpx.ReadError(ADDRESS)), unconfirmed("unreachable", BROKEN), 2),
    (Answer(httpx.ReadTimeout(ADDRESS)), unconfirmed("timeout", LATE), 1),
    (Answer(httpx.RemoteProtocolError(ADDRESS)), unconfirmed("unreachable", BROKEN), 2),
    # An exception of another library.
    (Answer(ValueError(ADDRESS)), unconfirmed("unreachable", BROKEN), 2),
    # What may have arrived with the first try is not told as lost by the second.
    (
        Answer(BROKE, again=403),
        unconfirmed("upload_failed", f"The storage {ANSWERED} HTTP 403", httpStatus=403),
        2,
    ),
    (Answer(503, again=403), refused(403, USELESS), 2),
    # The storage's own reason, if it is one word and no part of the address.
    (
        Answer(403, body=explained("RequestTimeTooSkewed")),
        refused(403, USELESS, " (RequestTimeTooSkewed)"),
        1,
    ),
    (Answer(403, body=explained("canary")), refused(403, USELESS), 1),
    (Answer(403, body=explained("See https://x.example")), refused(403, USELESS), 1),
    (Answer(403, body=" " * 5_000 + explained("AccessDenied")), refused(403, USELESS), 1),
]


@pytest.mark.parametrize(
    ("answer", "expected", "tries"),
    STORAGES,
    ids=[repr(it.then).partition("(")[0] for it, _, _ in STORAGES],
)
async def test_a_failure_of_the_storage_says_what_became_of_the_file(
    tmp_path: Path, sandbox: Sandbox, answer: Answer, expected: Json, tries: int
) -> None:
    """What may pass is tried twice, at the same address. One place is reserved.

    Only waits are limited: 30 s to connect and for each chunk, and longer for the answer.
    """
    transport = StorageTransport(sandbox, answer)
    async with open_uploads(tmp_path, trax=sandbox, transport=lambda _: transport) as it:
        (tmp_path / "allowed" / "long.mp4").write_bytes(MP4 + bytes(1 << 20))
        send_to(it, ADDRESS)
        error = await failure(it, "long.mp4" if answer.takes == 1 else "intro.mp4")
        assert calls(it) == [RESERVE]
    assert error == expected
    assert [str(sent.url) for sent in transport.received] == [ADDRESS] * tries
    for sent in transport.received:
        assert sent.extensions["timeout"] == {"connect": 30, "write": 30, "read": 300, "pool": 30}
    assert not any(secret in str(error) for secret in ("canary", "bucket", "Amz", "elsewhere"))


@pytest.mark.parametrize(
    "fault", [Fault.status(503), Fault.status(429), Fault.dropped()], ids=lambda it: it.name
)
async def test_a_hiccup_of_the_storage_costs_nothing(tmp_path: Path, fault: Fault) -> None:
    """The second try sends the whole file again, to the place that was reserved for the first."""
    async with open_uploads(tmp_path) as it:
        it.trax.faults.add(fault, method="PUT")
        contents = keep_content(it)
        result = await upload(it)
        assert calls(it)[:3] == [RESERVE, PUT, PUT]
    assert not result.is_error
    assert contents == [MP4]


async def test_a_file_that_changes_between_the_two_tries_is_not_sent_again(tmp_path: Path) -> None:
    """What was reserved is for the file as it was."""
    async with open_uploads(tmp_path) as it:
        path = tmp_path / "allowed" / "intro.mp4"

        async def change(_request: Request, _handle: RequestHandler) -> Response:
            path.write_bytes(MP4[::-1])
            return Response(503, b"")

        it.trax.faults.add(Fault("changed", change), method="PUT")
        contents = keep_content(it)
        error = await failure(it)
    assert error["message"].startswith("The file changed while it was sent")
    assert contents == []
