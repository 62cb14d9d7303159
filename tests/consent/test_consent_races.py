"""Races: the studio changes, or other calls run, while a guarded call is in progress."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import mcp
import mcp_types as types
import pytest
from mcp.shared.exceptions import MCPError

from tests.conftest import OWNER, no_pause, text_of
from tests.support.concurrency import Paused, begin
from tests.support.consent_clients import SECOND_KEY, audit_lines, in_memory, status_and_reason
from tests.support.guarded_calls import (
    GO_LIVE,
    GO_OFFLINE,
    GUARDED_OPERATIONS,
    STUDIO,
    GuardedOperation,
)
from tests.support.jsonrpc import MODERN
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.product.local_servers import upstream
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.simulated_person import (
    agreeing,
    altering,
    cancelling,
    chosen,
    declining,
    failing,
    filled_in,
    refusing,
    yes_to,
)
from tests.support.spelt_text import unwrapped
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import TraxError
from trax_mcp.api.operations import ListChatMessages
from trax_mcp.consent.rules import Mode, Rules
from trax_mcp.sandbox.records import Key
from trax_mcp.server.app import ServerDeps, build_server

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.consent_clients import Clients
    from tests.support.simulated_person import Form, FormAnswer, Responder
    from trax_mcp.sandbox.messages import Request, RequestHandler, Response

RAN: Final = ("ran", None)
USED: Final = ("confirmation_invalid", "used")
EXPIRED: Final = ("confirmation_invalid", "expired")
NOTHING_TO_DO: Final = ("nothing_to_do", None)
NOT_LIVE: Final = Fault.status(200, {"live": False})
STATUS: Final = "*/stream-status"

WHILE_LIVE: Final = GUARDED_OPERATIONS["create_destination, on air"]
"""It needs consent only while the studio is live, and a second run is visible."""


def take_off_air(clients: Clients) -> None:
    """Stop the stream on TRaX itself, and wait a minute."""
    clients.trax.world.go_offline(clients.trax.world.studios["studio_42"])
    clients.clock.advance(60)


class LateAnswer(Paused):
    """A fault that holds an answer after TRaX has made it, so that it is out of date."""

    async def _apply(self, request: Request, handle: RequestHandler) -> Response:
        answer = await handle(request)
        self._arrived.set()
        await self._released.wait()
        return answer


# The studio goes off air


NOES: Final[Mapping[str, tuple[Responder, str]]] = {
    "do not": (refusing, "declined"),
    "decline": (declining, "declined"),
    "cancel": (cancelling, "cancelled"),
    "malformed": (altering(str.upper), "malformed"),
    "client error": (failing, "client_error"),
}


@pytest.mark.parametrize("no", NOES)
async def test_a_no_counts_even_if_consent_is_no_longer_required(era: str, no: str) -> None:
    """The stream ends while the form is open."""
    respond, reason = NOES[no]
    async with in_memory(era) as clients:
        put_on_air(clients.trax)

        async def off_air_first(form: Form) -> FormAnswer:
            take_off_air(clients)
            return await respond(form)

        clients.person.answer_with(off_air_first)
        if era == MODERN and respond is failing:  # the client raises and sends no answer
            with suppress(MCPError):
                await clients.call(WHILE_LIVE, clients.asking)
        else:
            result = await clients.call(WHILE_LIVE, clients.asking)
            assert status_and_reason(result) == ("declined", reason)
        assert clients.sent == []
    assert len(clients.person.forms) == 1


@pytest.mark.parametrize("first", ["on air", "off air"])
@pytest.mark.parametrize("then", ["on air", "off air"])
async def test_a_confirmation_is_used_even_if_consent_is_no_longer_required(
    first: str, then: str
) -> None:
    """It runs once, whether the studio is live or not at the first and second use."""
    async with in_memory() as clients:
        put_on_air(clients.trax)
        confirmation = await clients.confirmation(WHILE_LIVE)
        use = partial(clients.use, WHILE_LIVE, confirmation)
        if first == "off air":
            take_off_air(clients)
        assert status_and_reason(await use()) == RAN
        if first != then:
            (take_off_air if then == "off air" else lambda it: put_on_air(it.trax))(clients)
        assert status_and_reason(await use()) == USED
        assert clients.sent == [WHILE_LIVE.sent]


# A stop during other calls


@pytest.mark.parametrize("junk", ["x", "A" * 22, ""])
async def test_an_unknown_confirmation_does_not_override_a_stop_in_flag_mode(junk: str) -> None:
    """In flag mode a confirmation has no effect."""
    held = Paused()
    async with in_memory(mode=Mode.FLAG) as clients:
        clients.trax.faults.add(held.fault, path="*/sources")
        async with anyio.create_task_group() as tasks:
            go_live = partial(clients.use, GO_LIVE, junk)
            went_live = begin(tasks, go_live)
            await held.arrived()
            assert status_and_reason(await clients.call(GO_OFFLINE, confirm=True)) == RAN
            held.release()
        assert clients.sent == [GO_OFFLINE.sent]
    assert status_and_reason(went_live[0]) == ("confirmation_required", None)


async def test_an_observed_stop_does_not_end_a_later_pending_go_live() -> None:
    """The stop sees the studio off air. The later go-live, whose answer is lost, stays pending."""
    late = LateAnswer()
    async with in_memory() as clients:
        put_on_air(clients.trax)

        def hold_the_status() -> None:
            clients.clock.advance(10)
            clients.trax.faults.add(late.fault, path=STATUS)

        clients.trax.faults.add(Fault.followed_by(hold_the_status), path="*/go-offline")
        async with anyio.create_task_group() as tasks:
            stop = begin(tasks, partial(clients.confirmed, GO_OFFLINE))
            await late.arrived()
            clients.trax.faults.add(Fault.dropped(when="after"), path="*/go-live")
            clients.trax.faults.add(NOT_LIVE, times=None, path=STATUS)
            assert status_and_reason(await clients.confirmed(GO_LIVE)) == ("failed", "unreachable")
            late.release()
        assert stop[0].structured_content["observed"]["state"] == "off_air"
        assert status_and_reason(await clients.call(GO_LIVE)) == NOTHING_TO_DO
        assert clients.sent == [GO_OFFLINE.sent, GO_LIVE.sent]


async def test_a_live_status_from_before_a_stop_does_not_end_a_pending_go_live() -> None:
    """The late answer says `live` about the earlier broadcast."""
    late = LateAnswer()
    async with in_memory() as clients:
        put_on_air(clients.trax)
        clients.trax.faults.add(late.fault, path=STATUS)
        async with anyio.create_task_group() as tasks:
            earlier = begin(tasks, partial(clients.call, GO_LIVE))
            await late.arrived()
            assert status_and_reason(await clients.confirmed(GO_OFFLINE)) == RAN
            clients.trax.faults.add(NOT_LIVE, times=None, path=STATUS)
            starting = await clients.confirmed(GO_LIVE)
            late.release()
        assert (starting.structured_content or {})["observed"]["state"] == "starting"
        assert status_and_reason(earlier[0]) == NOTHING_TO_DO
        assert status_and_reason(await clients.call(GO_LIVE)) == NOTHING_TO_DO
        assert clients.sent == [GO_OFFLINE.sent, GO_LIVE.sent]


async def test_a_refused_stop_does_not_end_the_observation_of_a_go_live() -> None:
    """The go-live is observed until it is on air."""
    held = Paused()
    async with in_memory() as clients:
        observing = partial(clients.trax.faults.add, held.fault, path=STATUS)
        clients.trax.faults.add(Fault.followed_by(observing), path="*/go-live")
        refusal = Fault.error(429, "rate_limited", Retry_After="60")
        clients.trax.faults.add(refusal, times=None, path="*/go-offline")
        async with anyio.create_task_group() as tasks:
            went_live = begin(tasks, partial(clients.confirmed, GO_LIVE))
            await held.arrived()
            assert status_and_reason(await clients.confirmed(GO_OFFLINE)) == (
                "failed",
                "rate_limited",
            )
            held.release()
        assert clients.sent[:2] == [GO_LIVE.sent, GO_OFFLINE.sent]
    assert went_live[0].structured_content["observed"]["state"] == "on_air"


async def test_a_stop_that_trax_refuses_invalidates_no_confirmation() -> None:
    """A key of another account without scopes sends the stop. The owner still goes live."""
    async with in_memory() as clients:
        clients.trax.world.keys[SECOND_KEY] = Key(
            SECOND_KEY, "second", ANOTHER_ACCOUNT, frozenset()
        )
        to_start = await clients.confirmation(GO_LIVE)
        to_stop = await clients.confirmation(GO_OFFLINE, client=clients.other)
        stopped = await clients.use(GO_OFFLINE, to_stop, client=clients.other)
        assert status_and_reason(stopped) == ("failed", "insufficient_scope")
        assert status_and_reason(await clients.use(GO_LIVE, to_start)) == RAN
        assert clients.sent == [GO_OFFLINE.sent, GO_LIVE.sent]


async def test_a_stop_is_not_delayed_by_many_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """250 reads with invalid keys. TRaX answers none before the stop arrives."""
    monkeypatch.setattr("trax_mcp.studio.fact_reader.QUICK_SECONDS", 0.1)
    answered = anyio.Event()
    async with upstream() as trax:
        trax.faults.add(Fault.followed_by(answered.set), path="*/go-offline")
        trax.faults.add(Fault.delay(answered), times=None, method="GET")
        client = Client(base_url=trax.base_url, timeout_seconds=PATIENCE_SECONDS, sleep=no_pause)

        async def read(number: int) -> None:
            with suppress(TraxError):
                reading = ListChatMessages(studio_id="studio_42")
                await client.send(reading, Caller(f"made_up_{number}"))

        server = build_server(client, own=OWNER, deps=ServerDeps(rules=Rules(Mode.FLAG)))
        with anyio.fail_after(PATIENCE_SECONDS):
            async with anyio.create_task_group() as tasks:
                for number in range(250):
                    tasks.start_soon(read, number)
                while len(trax.requests) < 16:  # the others wait: the keys were never accepted
                    await anyio.lowlevel.checkpoint()
                async with mcp.Client(server, mode=MODERN, cache=None) as owner:
                    stopped = await owner.call_tool("go_offline", {**STUDIO, "confirm": True})
        await client.aclose()
        assert status_and_reason(stopped) == RAN
        assert [it.path for it in trax.mutations] == ["/v1/studios/studio_42/go-offline"]


# Observation fails


@pytest.mark.parametrize("operation", [GO_LIVE, GO_OFFLINE], ids=lambda it: it.tool)
async def test_a_call_has_a_result_and_an_outcome_even_if_observing_it_fails(
    *, era: str, operation: GuardedOperation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last line is written, and its confirmation is used."""

    async def fail(*_: object) -> None:
        raise RuntimeError("progress cannot be sent")

    log = tmp_path / "audit.jsonl"
    async with in_memory(era, audit=log) as clients:
        if operation is GO_OFFLINE:
            put_on_air(clients.trax)
        use = partial(clients.use, operation, await clients.confirmation(operation))
        monkeypatch.setattr("trax_mcp.server.elicitation.Elicitor.report_progress", fail)
        result = await use()
        assert status_and_reason(result) == RAN
        assert (result.structured_content or {})["observed"]["state"] == "unknown"
        last = audit_lines(log)[-1]
        expected = ("sent", "applied", "unknown")
        assert (last["event"], last["outcome"], last["observed"]) == expected
        again = await use()
        assert status_and_reason(again) == USED
        assert "the call ran, and the studio was then unknown" in text_of(again)
        assert clients.sent == [operation.sent]


# A question is answered once


DECLINED: Final[Mapping[str, types.ElicitResult]] = {
    "decline": types.ElicitResult(action="decline"),
    "decline, filled in": types.ElicitResult(
        action="decline", content={"choice": 'Go live on YouTube and Twitch: "Friday Night Show"'}
    ),
    "cancel": types.ElicitResult(action="cancel"),
    "do not": chosen("Do not"),
}


@pytest.mark.parametrize("no", DECLINED)
async def test_a_question_that_was_declined_accepts_no_yes(no: str) -> None:
    """Not even a second time. A new call asks again, a minute later (2026-07-28)."""
    async with in_memory(MODERN) as clients:
        question = await clients.question(GO_LIVE)
        answer = partial(clients.answer, GO_LIVE, question.request_state)
        assert status_and_reason(await answer({"consent": DECLINED[no]}))[0] == "declined"
        for _ in range(2):
            assert status_and_reason(await answer({"consent": yes_to(question)})) == EXPIRED
        assert clients.sent == []
        clients.clock.advance(60)
        clients.person.answer_with(agreeing)
        assert status_and_reason(await clients.call(GO_LIVE, clients.asking)) == RAN


async def test_a_malformed_answer_leaves_the_question_open() -> None:
    """A later yes to the same question runs the call (2026-07-28)."""
    async with in_memory(MODERN) as clients:
        question = await clients.question(GO_LIVE)
        answer = partial(clients.answer, GO_LIVE, question.request_state)
        malformed: list[types.InputResponses | None] = [
            None,
            {},
            {"another": yes_to(question)},
            {"consent": filled_in(None)},
            {"consent": filled_in({"choice": "Take it live"})},
            {"consent": filled_in({"choice": "do not"})},
        ]
        for responses in malformed:
            assert status_and_reason(await answer(responses)) == ("declined", "malformed")
        assert clients.sent == []
        assert status_and_reason(await answer({"consent": yes_to(question)})) == RAN
        assert clients.sent == [GO_LIVE.sent]


async def test_an_answer_to_another_question_tells_no_changes() -> None:
    """The two calls differ, and nothing has changed (2026-07-28)."""
    async with in_memory(MODERN) as clients:
        asked = await clients.question(GO_LIVE)
        deletion = GUARDED_OPERATIONS["delete_destination"]
        result = await clients.answer(deletion, asked.request_state, {"consent": yes_to(asked)})
        assert clients.sent == []
    assert isinstance(result, types.CallToolResult)
    assert status_and_reason(result) == ("confirmation_invalid", "mismatch")
    assert "Changed since" not in text_of(result)


async def test_an_answer_without_its_question_is_ignored() -> None:
    """A client cannot agree in the first call, before a person has read anything (2026-07-28)."""
    async with in_memory(MODERN) as clients:
        yes: types.InputResponses = {"consent": yes_to(await clients.question(GO_LIVE))}
        for state in (None, ""):
            assert status_and_reason(await clients.answer(GO_LIVE, state, yes)) == EXPIRED
        assert clients.sent == []


# The preview


LONG: Final[Mapping[str, GuardedOperation]] = {
    "text": GuardedOperation(
        "send_chat_message",
        {**STUDIO, "text": f"{'a' * 569} and buy coins at evil.example."},
        "",
        {},
    ),
    "rtmpUrl": GuardedOperation(
        "update_destination",
        {**STUDIO, "destId": "dest_1", "rtmpUrl": f"rtmps://a.example/{'a' * 167}@evil.example/k"},
        "",
        {},
    ),
}


@pytest.mark.parametrize("argument", LONG)
async def test_the_callers_own_text_is_shown_in_full(argument: str) -> None:
    """In the preview and in the form, so that no part is hidden from the person."""
    operation = LONG[argument]
    given = operation.arguments[argument]
    assert len(given) == {"text": 600, "rtmpUrl": 200}[argument]
    async with in_memory() as clients:
        assert f'"{given}"' in unwrapped(text_of(await clients.call(operation)))
        await clients.call(operation, clients.asking)
    (form,) = clients.person.forms
    assert f'"{given}"' in unwrapped(form.message)


async def test_names_from_trax_are_truncated_to_80_characters() -> None:
    """The caller's own text is not."""
    async with in_memory() as clients:
        world = clients.trax.world
        world.studios.change(world.studios["studio_42"], {"name": "n" * 300})
        text = unwrapped(text_of(await clients.call(LONG["text"])))
    assert f'"{"n" * 79}…"' in text
    assert "n" * 80 not in text
