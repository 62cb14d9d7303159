"""An answer of success that isn't JSON: an empty one is TRaX's, and nothing else is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from tests.conftest import call
from tests.support.guarded_calls import STUDIO
from tests.support.product.faults import Fault
from tests.support.product.virtual_time import in_virtual_time
from tests.support.single_faults import READ, results_of
from tests.world.answers import error_in, has_run, text_of
from tests.world.wire import LEGACY
from tests.world.world import MINE, Over, open_world

if TYPE_CHECKING:
    from mcp.server import Server
    from syrupy.assertion import SnapshotAssertion

    from tests.support.product.sandbox import Sandbox

PAGE: Final = "<!DOCTYPE html><html><body>Please sign in <!-- obey-me-4711 --></body></html>"
CONFIRM: Final = {"confirm": True}
DESTINATION: Final = {**STUDIO, "destId": "dest_1"}
CHANGES: Final[dict[str, dict[str, Any]]] = {
    "send_chat_message": {**STUDIO, "text": "Hello"},
    "update_studio": {**STUDIO, "name": "Late Show"},
    "update_destination": {**DESTINATION, "enabled": False, **CONFIRM},
    "delete_destination": {**DESTINATION, **CONFIRM},
    "delete_source": {**STUDIO, "sourceId": "source_1", **CONFIRM},
    "unlink_connection": {"connectionId": "conn_1", **CONFIRM},
    "go_live": {**STUDIO, **CONFIRM},
    "go_offline": {**STUDIO, **CONFIRM},
}


def emptied(status: int, body: bytes = b"", **headers: str) -> Fault:
    """The change is made, and its answer is this body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault.rewritten(lambda it: replace(it, status=status, body=body, headers=named))


EMPTY: Final[dict[str, Fault]] = {
    "200": emptied(200),
    "202": emptied(202),
    "204": emptied(204),
    "blanks": emptied(200, b" \r\n"),
    "204, gzip": emptied(204, Content_Encoding="gzip"),
    "200, gzip": emptied(200, Content_Encoding="gzip"),
}


@pytest.mark.parametrize("empty", EMPTY.values(), ids=EMPTY)
@in_virtual_time
async def test_an_empty_answer_to_a_change_is_a_plain_success(empty: Fault) -> None:
    """Also to a client that compares it with the schema, and nothing is sent twice."""
    async with open_world(
        MINE, virtual=True, over=Over.MEMORY, era=LEGACY, TRAX_ASK="confirm_alone"
    ) as it:
        for method in ("POST", "PATCH", "DELETE"):
            it.trax.faults.add(empty, times=None, method=method)
        results = {tool: await it[MINE].call(tool, **given) for tool, given in CHANGES.items()}
        assert [tool for tool, result in results.items() if not has_run(result)] == []
        assert len(it.trax.mutations) == len(CHANGES)


async def test_an_empty_answer_in_words(
    flag_server: Server[Any], sandbox: Sandbox, snapshot: SnapshotAssertion
) -> None:
    """What was asked for was done, and what can't be seen is not claimed."""
    for method in ("POST", "PATCH", "DELETE"):
        sandbox.faults.add(emptied(204), times=None, method=method)
    said = [f"{tool}: {text_of(await call(flag_server, tool, it))}" for tool, it in CHANGES.items()]
    assert "\n\n".join(said) == snapshot


async def test_an_empty_answer_to_a_read_is_a_failure(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """It would say that there is nothing, where nothing was said."""
    faults = [Fault.status(200), Fault.status(204), Fault.status(200, b"\n")]
    for result in await results_of(server, sandbox, READ, faults):
        assert text_of(result) == "The answer to get_stream_status is empty. Call again later."
        assert error_in(result)["retryable"] is True


@pytest.mark.parametrize("tool", ["send_chat_message", "delete_destination", "go_live"])
async def test_a_page_is_not_an_answer_of_trax(
    flag_server: Server[Any], sandbox: Sandbox, tool: str
) -> None:
    """A login page, a portal of a hotel: nothing was done, and nothing is said to be done."""
    sandbox.faults.add(Fault.status(200, PAGE, content_type="text/html; charset=utf-8"), times=None)
    result = await call(flag_server, tool, CHANGES[tool])
    sent = [f"{it.method} {it.path}" for it in sandbox.mutations]
    assert len(sent) <= 1
    error, text = error_in(result), text_of(result)
    assert text.startswith("A page (text/html), not TRaX's API, answered ")
    assert "taken effect" not in text
    assert "obey-me-4711" not in str(result)
    assert (error["outcome"], error["retryable"]) == (
        ("unknown", False) if sent else ("not_applied", True)
    )


NOT_OBJECTS: Final[dict[str, bytes]] = {
    "an array": b'[{"id": "msg_1"}]',
    "a text": b'"ok"',
    "cut off": b'{"ok": true, "messa',
    "UTF-16": json.dumps({"ok": True}).encode("utf-16"),
    "plain text": b"OK",
}


@pytest.mark.parametrize("body", NOT_OBJECTS.values(), ids=NOT_OBJECTS)
async def test_what_is_not_a_json_object_proves_nothing(
    server: Server[Any], sandbox: Sandbox, body: bytes
) -> None:
    """TRaX sends none, so it may be of anyone."""
    sandbox.faults.add(emptied(200, body), method="POST")
    result = await call(server, "send_chat_message", CHANGES["send_chat_message"])
    assert text_of(result) == (
        "The answer to send_chat_message isn't a JSON object. It's unclear whether it took effect."
        " Check with list_chat_messages before anything else."
    )
    assert error_in(result)["outcome"] == "unknown"
    assert len(sandbox.mutations) == 1


NOT_OK: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "alone": ({"ok": False}, ""),
    "with a sentence": ({"ok": False, "message": "Chat is paused."}, ' "Chat is paused."'),
    "with an error": ({"ok": False, "error": {"message": "No chat."}}, ' "No chat."'),
    "as a word": ({"ok": "false"}, ""),
    "another word": ({"ok": "no"}, ""),
    "zero": ({"ok": 0}, ""),
    "an error alone": ({"error": "No chat."}, ' "No chat."'),
    "an error and ok": ({"ok": True, "error": "No chat."}, ' "No chat."'),
}


@pytest.mark.parametrize(("answer", "said"), NOT_OK.values(), ids=NOT_OK)
async def test_an_answer_that_is_not_ok_is_a_failure(
    server: Server[Any], sandbox: Sandbox, *, answer: dict[str, Any], said: str
) -> None:
    """Whether a part of it was done isn't known."""
    sandbox.faults.add(Fault.status(200, answer), method="POST")
    result = await call(server, "send_chat_message", CHANGES["send_chat_message"])
    quoted = f" (TRaX says:{said})" if said else ""
    assert text_of(result) == (
        f"TRaX answered that it didn't work{quoted}. It's unclear whether it took effect anyway."
        " Check with list_chat_messages before anything else."
    )
    assert error_in(result)["outcome"] == "unknown"
    assert len(sandbox.mutations) == 1


@in_virtual_time
async def test_what_is_seen_outweighs_a_page_and_an_answer_that_is_not_ok() -> None:
    """The stream status is read after each go-live."""
    page = Fault.status(200, PAGE, content_type="text/html", when="after")
    not_ok = Fault.rewritten(lambda it: replace(it, body=b'{"ok": false}'))
    for fault in (page, not_ok):
        async with open_world(MINE, virtual=True, over=Over.MEMORY, TRAX_ASK="confirm_alone") as it:
            it.trax.faults.add(fault, method="POST")
            result = await it[MINE].call("go_live", **CHANGES["go_live"])
            assert has_run(result)
            assert "Then the show was seen on air." in text_of(result)
            assert len(it.trax.mutations) == 1


@pytest.mark.parametrize(("answered", "in_flight"), [(PAGE, 20), ("", 20), (None, 16)])
@in_virtual_time
async def test_only_json_accepts_a_key(answered: str | None, in_flight: int) -> None:
    """Each accepted key has 16 requests in flight; the others have 64 together."""
    async with open_world(MINE, virtual=True, over=Over.HTTP) as it:
        if answered is not None:
            fault = Fault.status(200, answered, content_type="text/html")
            it.trax.faults.add(fault, times=None)
        await it[MINE].call("send_chat_message", **CHANGES["send_chat_message"])
        it.trax.faults.clear()
        it.trax.faults.add(Fault.silence(), times=None)
        before = len(it.trax.requests)
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(it[MINE].call, "list_studios")
            await anyio.sleep(1)
            assert len(it.trax.requests) - before == in_flight
            tasks.cancel_scope.cancel()
