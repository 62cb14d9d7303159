"""The breaks of the promises: the server and who may use it."""

from __future__ import annotations

import logging
import socket
import ssl
import sys
from contextvars import Context
from typing import TYPE_CHECKING, Final

import httpx
from starlette.datastructures import Headers

from proof.breaks.changes import Changes, Edit, put, swap
from trax_mcp import instruments
from trax_mcp.api import (
    caller,
    operation,
)
from trax_mcp.deployment import enrolled_passkey
from trax_mcp.http import limits, refusals
from trax_mcp.http.authentication import Authentication, _names_key, bearer_token, is_one_of
from trax_mcp.http.gate import Gate
from trax_mcp.http.sessions import Sessions
from trax_mcp.observe import logs, messages
from trax_mcp.observe.messages import Messages
from trax_mcp.server import untrusted
from trax_mcp.server.request import CALLER
from trax_mcp.server.results import said_result
from trax_mcp.server.tools import Tools
from trax_mcp.server.untrusted import without_ours, write_delimited, write_json
from trax_mcp.studio import list_cache

if TYPE_CHECKING:
    from starlette.responses import Response


_identify = Authentication._identify


_refuse_authorization = Authentication._refuse_authorization


_begin_request = instruments.RequestToTrax.__init__


def _ask_another_host() -> int:
    with socket.socket() as other:
        return other.connect_ex(("127.0.0.1", 9))


def _with_token_as_key(headers: Headers) -> Headers:
    return Headers({"x-api-key": bearer_token(headers) or "", **headers})


def _let_bearer_keys_pass(self: Authentication, headers: Headers) -> Response | None:
    return None if _names_key(headers) else _refuse_authorization(self, headers)


def _trust_all(verify: object = True, **_: object) -> ssl.SSLContext:  # noqa: FBT002  httpx's
    if isinstance(verify, ssl.SSLContext):
        return verify
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


_OWN_TRANSPORT: Final = sys.modules["httpx._transports.default"]
"""The connections that are given no TLS context, as those to a storage."""

CHANGES: Final[Changes] = {
    "**No argument is lost on the way.**": [
        (
            "tests/server/test_schemas.py",
            Edit(
                "trax_mcp/server/schemas.json",
                '"additionalProperties":false,"description":"The arguments of',
                '"description":"The arguments of',
            ),
        ),
        (
            "tests/server/test_schemas.py",
            swap(operation.ToolInput._is_left_out).by(lambda *it: it[1] is None),
        ),
        (
            "tests/server/test_arguments.py",
            swap(operation.ToolInput._is_left_out).by(lambda *it: it[1] in (None, "")),
        ),
    ],
    "**Nobody is held up by a reader.**": [
        ("tests/server/test_stderr.py", swap(logs._handler).by(logging.StreamHandler)),
    ],
    "**Viewers can't end your show.**": [
        ("tests/chat/test_hostile_chat.py", swap(without_ours).by(lambda data: data)),
    ],
    "**Chat is fenced.**": [
        ("tests/server/test_untrusted.py", swap(write_delimited).by(write_json)),
    ],
    "In each, invisible characters are spelt out": [
        ("tests/server/test_both_halves.py", put(untrusted, "shown", lambda message: message)),
    ],
    "So what is said in words is in both": [
        (
            "tests/server/test_both_halves.py",
            swap(said_result).by(
                lambda data, words, **more: said_result(data, words, **more).model_copy(
                    update={
                        "structured_content": said_result(
                            data, words._replace(warnings=()), **more
                        ).structured_content
                    }
                )
            ),
        ),
    ],
    "**Your key stays yours.**": [
        ("tests/server/test_secrets_in_output.py", swap(caller.redact).by(lambda it, *_, **__: it)),
        ("tests/seams/test_tls.py", put(httpx, "create_ssl_context", _trust_all)),
        ("tests/seams/test_tls.py", put(_OWN_TRANSPORT, "create_ssl_context", _trust_all)),
    ],
    "**Nobody can use up": [
        ("tests/server/test_sessions.py", swap(Sessions._are_too_many).by(lambda *_: False)),
    ],
    "**A token can be changed": [
        (
            "tests/server/test_http_access.py",
            swap(is_one_of).by(lambda tokens, given: given == next(iter(tokens))),
        ),
    ],
    "It holds no arguments": [
        (
            "tests/server/test_json_log.py::test_a_call_over_http_is_the_line_that_the_page_shows",
            swap(Messages._known_name).by(lambda self, ctx: str((ctx.params or {}).get("name"))),
        ),
    ],
    "A session belongs to the key": [
        (
            "tests/server/test_http.py",
            swap(Authentication._with_caller).by(
                lambda self, scope, caller, sign_in_id: {**scope, CALLER: caller}
            ),
        ),
    ],
    "No caller can use the operator's key": [
        (
            "tests/server/test_http.py",
            swap(_identify).by(lambda self, headers: _identify(self, _with_token_as_key(headers))),
        ),
    ],
    "**Going offline never waits for other requests": [
        ("tests/server/test_gate.py", put(limits, "is_urgent", lambda _: False)),
        (
            "tests/server/test_stops_of_unknown_keys.py",
            put(limits, "AT_ONCE", 1000),
        ),
        (
            "tests/server/test_request_limits.py",
            put(limits, "is_urgent", lambda body: b'"method"' in body and b'"go_offline"' in body),
        ),
    ],
    "it's treated as no key": [
        ("tests/server/test_gate.py", swap(Gate.keeps_out).by(lambda *_: False)),
        ("tests/server/test_gate.py", swap(Gate.has_answer).by(lambda *_: False)),
    ],
    "A request that is refused": [
        ("tests/server/test_request_limits.py", put(refusals, "_answer_to", lambda *_, **__: b"")),
    ],
    "A server on stdio that gets a `confirmation`": [
        (
            "tests/consent/test_consent_stdio.py",
            swap(Tools._with_guess).by(lambda self, not_run, request: not_run),
        ),
    ],
    "Where the server has either": [
        ("tests/server/test_http_access.py", swap(_refuse_authorization).by(_let_bearer_keys_pass)),
    ],
    "**no key, name, studio or text": [
        ("tests/server/test_telemetry.py", swap(messages._hash).by(lambda session_id: session_id)),
    ],
    "**A dashboard and alerts": [
        ("proof/operations/test_prometheus.py", Edit("deploy/alerts.yaml", "4..|Canc", "Canc")),
    ],
    "Each call is one trace": [
        (
            "tests/server/test_telemetry.py",
            swap(_begin_request).by(lambda *them: Context().run(_begin_request, *them)),
        ),
    ],
    "The names offered while you type": [
        ("tests/studio/test_list_cache.py", put(list_cache, "KEPT_SECONDS", 0.0)),
    ],
    "No prompt has the name of a tool": [
        (
            "tests/server/test_prompts.py::test_no_prompt_and_no_resource_has_the_name_of_a_tool",
            Edit("prompts/start_stream.md", 'name = "start_stream"', 'name = "go_live"'),
        ),
    ],
    "Nothing else: no statistics": [
        (
            "tests/docs/test_privacy.py",
            swap(enrolled_passkey).by(
                lambda settings: enrolled_passkey(settings) if _ask_another_host() else None
            ),
        ),
    ],
}
