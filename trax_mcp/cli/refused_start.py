"""Answers the client of a server that refuses to start, since few clients show stderr.

Every request gets the sentence as its error, until the client hangs up or a while is over.
"""

import json
import os
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import IO, Any, Final, cast

from trax_mcp.api.caller import redact
from trax_mcp.api.text_safety import escape_invisible

ANSWERING_SECONDS: Final = 10.0
"""Long enough for a client that tries both protocol eras."""

_INTERNAL_ERROR: Final = -32603  # source: JSON-RPC 2.0, section 5.1


def answer_requests(sentence: str, *, code: int) -> None:
    """Answer each request on stdin with this sentence, which a client may show to a person.

    Ends the process with this code if the client has not hung up in time.
    """
    if sys.stdin is None or sys.stdin.isatty():
        return
    lines = cast("IO[bytes]", sys.stdin.buffer)
    message = escape_invisible(redact(sentence))
    answering = threading.Thread(target=_answer, args=(lines, message), daemon=True)
    answering.start()
    with suppress(KeyboardInterrupt):
        answering.join(ANSWERING_SECONDS)
    if answering.is_alive():
        os._exit(code)  # the interpreter cannot end while a thread reads stdin


def _answer(lines: Iterable[bytes], message: str) -> None:
    error = {"code": _INTERNAL_ERROR, "message": message}
    with suppress(OSError):  # nobody reads
        for line in lines:
            if (request_id := _id_of_request(line)) is not None:
                answer = {"jsonrpc": "2.0", "id": request_id, "error": error}
                sys.stdout.buffer.write(f"{json.dumps(answer)}\n".encode())
                sys.stdout.buffer.flush()


def _id_of_request(line: bytes) -> str | int | None:
    """The id of a request. A notification has none."""
    message: Any = None
    with suppress(ValueError, RecursionError):
        message = json.loads(line)
    match message:
        case {"method": str(), "id": str() | int() as request_id}:
            return request_id
    return None
