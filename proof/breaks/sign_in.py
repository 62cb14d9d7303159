"""The breaks of the promises: signing in."""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final

from proof.breaks.changes import Changes, put, swap
from trax_mcp import sealing
from trax_mcp.api import (
    caller,
    refusals,
)
from trax_mcp.api.operation import When
from trax_mcp.clock import Clock
from trax_mcp.consent.rules import Rules
from trax_mcp.http.authentication import bearer_token
from trax_mcp.server.offer import Offer
from trax_mcp.sign_in import client_descriptions, clients, sign_ins
from trax_mcp.sign_in.attempts import Attempts
from trax_mcp.sign_in.forms import Forms
from trax_mcp.sign_in.screens import reach_text
from trax_mcp.sign_in.server import AuthorizationServer

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


_fingerprint = caller._fingerprint


_give_tokens = AuthorizationServer._give_tokens


_why_not = Offer.why_not


async def _print_tokens(self: AuthorizationServer, request: Request) -> Response:
    response = await _give_tokens(self, request)
    sys.stderr.write(bytes(response.body).decode())
    return response


_ZEROS: Final = SimpleNamespace(token_bytes=bytes)


_EQUAL: Final = SimpleNamespace(compare_digest=lambda *_: True)

CHANGES: Final[Changes] = {
    "The key never passes through the client": [
        ("tests/sign_in/test_secrets.py", swap(_give_tokens).by(_print_tokens)),
    ],
    "tokens work there": [
        (
            "tests/sign_in/test_token_attacks.py",
            swap(bearer_token).by(
                lambda headers: headers.get("authorization", "").rpartition(" ")[2] or None
            ),
        ),
    ],
    "It says which studios the key reaches": [
        ("tests/sign_in/test_screens.py", swap(reach_text).by(lambda *_: "It is a good key.")),
    ],
    "Nothing can be changed": [
        (
            "tests/sign_in/test_signed_in_callers.py",
            swap(_why_not).by(lambda self, kind, *_: _why_not(self, kind)),
        ),
    ],
    "Going live still needs": [
        ("tests/sign_in/test_token_attacks.py", swap(Rules.when).by(lambda *_: When.NEVER)),
    ],
    "It holds tokens as hashes": [
        ("tests/units/sign_in/test_custody.py", swap(sign_ins._hash).by(lambda root: root)),
        ("tests/seams/test_chance.py", put(sealing, "secrets", _ZEROS)),
    ],
    "TRaX judges it in each request.": [
        ("tests/sign_in/test_signed_in_callers.py", put(refusals, "_NEED_ANOTHER_KEY", ())),
    ],
    "After 10 wrong keys": [
        ("tests/sign_in/test_limit_attacks.py", swap(Attempts._free).by(lambda *_: 10)),
    ],
    "Nothing about them is stored": [
        ("tests/sign_in/test_registration_attacks.py", put(client_descriptions, "hmac", _EQUAL)),
    ],
    "Documents are read only from hosts": [
        (
            "tests/sign_in/test_client_document_attacks.py",
            swap(client_descriptions.check_document_id).by(lambda *_: None),
        ),
    ],
    "one from the last 24 hours": [
        ("tests/sign_in/test_client_documents.py", put(clients, "_STALE_SECONDS", 86_400_000)),
    ],
    "an approval from before the restart": [
        (
            "tests/sign_in/test_shared_memory.py",
            swap(_fingerprint).by(lambda text: _fingerprint(text.partition("\0")[0])),
        ),
    ],
    "People have ten minutes": [
        ("tests/sign_in/test_page_attacks.py", swap(Forms.deadline).by(lambda *_: 1e12)),
        ("tests/seams/test_clock.py", swap(Clock.seconds).by(lambda *_: time.time())),
    ],
}
