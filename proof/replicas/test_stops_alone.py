"""Stops while the engine is away: their yes is checked without it, by what stands in it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from proof.replicas.panel_client import PanelClient
from proof.replicas.presses import CHANGED, RAN, answer, consent, outcome, press, preview
from tests.support import store_steps
from tests.support.consent_clients import status_and_reason
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import still
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE
from tests.support.jsonrpc import ERAS
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.shared_store import open_shared_store, until_back
from tests.support.simulated_person import Form, Person, agreeing, choices, chosen, refusing
from tests.support.store_steps import TwoClocks
from trax_mcp.api.errors import NotSent
from trax_mcp.clock import Clock
from trax_mcp.consent.confirmations import LIFETIME_SECONDS
from trax_mcp.consent.evidence import Confirmation, UsedConfirmation
from trax_mcp.consent.store import Seen, Started
from trax_mcp.replicas.consent_store import SharedStore
from trax_mcp.replicas.engine import Engine

if TYPE_CHECKING:
    from datetime import datetime

    from mcp_types import ElicitResult

    from proof.replicas.replica_setup import Replicas
    from proof.replicas.throwaway_engine import ThrowawayEngine
    from tests.support.jsonrpc import HttpCaller

ANOTHER_BROADCAST: Final = "- Another broadcast is on air now. You were asked about an earlier one."


@pytest.fixture(autouse=True)
def on_air_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox is on air, and off the air, with its answer."""
    monkeypatch.setattr("trax_mcp.sandbox.stream_run.GO_LIVE_SECONDS", 0.0)
    monkeypatch.setattr("trax_mcp.sandbox.stream_run.GO_OFFLINE_SECONDS", 0.0)


async def two_shows(replicas: Replicas) -> tuple[HttpCaller, str, str]:
    """The second is on air. Returns a client of B, and the yeses to stop each: the first is used.

    The engine is gone, so B cannot know that A has used it.
    """
    a, b = [await replicas.caller(it) for it in replicas.both]
    yeses = []
    for is_last in (False, True):
        assert await consent(a, GO_LIVE) == RAN
        yeses.append(await preview(b, GO_OFFLINE))
        if not is_last:
            assert await press(a, GO_OFFLINE, yeses[0]) == RAN
            replicas.trax.clock.advance(60)
    await replicas.engine.kill()
    return b, yeses[0], yeses[1]


async def test_a_yes_to_stop_a_show_does_not_stop_the_next_one_without_the_engine(
    replicas: Replicas,
) -> None:
    """The person is told that another broadcast is on air, and can stop that."""
    b, earlier, present = await two_shows(replicas)
    refused = await answer(b, GO_OFFLINE, earlier)
    assert outcome(refused) == CHANGED
    assert ANOTHER_BROADCAST in refused["content"][0]["text"]
    assert replicas.changes[GO_OFFLINE.sent] == 1
    assert await press(b, GO_OFFLINE, present) == RAN
    assert not any(it.running for it in replicas.trax.world.streams.values())


async def test_a_yes_to_stop_a_show_does_not_stop_the_next_one_after_the_engine_restarted(
    replicas: Replicas,
) -> None:
    b, earlier, present = await two_shows(replicas)
    await replicas.engine.start()
    assert await press(b, GO_OFFLINE, earlier) == CHANGED
    assert replicas.changes[GO_OFFLINE.sent] == 1
    assert await press(b, GO_OFFLINE, present) == RAN


async def test_a_panel_about_a_stop_asks_again_if_the_next_show_is_on_air_without_the_engine(
    replicas: Replicas,
) -> None:
    a, panel = await replicas.caller(replicas.a), await PanelClient.of(replicas, replicas.b)
    assert await consent(a, GO_LIVE) == RAN
    ticket = await panel.asked(GO_OFFLINE.tool, **GO_OFFLINE.arguments)
    yes = (await panel.show(ticket))["yes"]
    assert await consent(a, GO_OFFLINE) == RAN
    replicas.trax.clock.advance(60)
    assert await consent(a, GO_LIVE) == RAN
    await replicas.engine.kill()
    again = await panel.say(ticket, yes)
    assert (again["phase"], again["changes"][:1]) == ("open", [ANOTHER_BROADCAST[2:]])
    assert replicas.changes[GO_OFFLINE.sent] == 1
    assert (await panel.say(ticket, yes))["phase"] == "ended"
    assert replicas.changes[GO_OFFLINE.sent] == 2


@pytest.mark.parametrize("era", ERAS)
async def test_a_form_about_a_stop_asks_again_if_the_next_show_is_on_air_without_the_engine(
    replicas: Replicas, era: str
) -> None:
    a = await replicas.caller(replicas.a)
    assert await consent(a, GO_LIVE) == RAN
    person = Person()

    async def agree_too_late(form: Form) -> ElicitResult:
        person.answer_with(agreeing)
        assert await consent(a, GO_OFFLINE) == RAN
        replicas.trax.clock.advance(60)
        assert await consent(a, GO_LIVE) == RAN
        await replicas.engine.kill()
        return chosen(choices(form)[0])

    person.answer_with(agree_too_late)
    async with replicas.client(replicas.b, era=era, person=person) as client:
        done = await client.call_tool(GO_OFFLINE.tool, GO_OFFLINE.arguments)
    assert status_and_reason(done) == RAN
    assert [ANOTHER_BROADCAST in it.message for it in person.forms] == [False, True]
    assert replicas.changes[GO_OFFLINE.sent] == 2


@pytest.mark.parametrize("status", [Fault.silence(), Fault.error(404, "not_found")])
async def test_a_stop_is_sent_without_the_engine_if_nobody_knows_which_show_is_on_air(
    replicas: Replicas, status: Fault
) -> None:
    b, earlier, _ = await two_shows(replicas)
    replicas.trax.faults.add(status, path="*/stream-status")
    assert await press(b, GO_OFFLINE, earlier) == RAN
    assert replicas.changes[GO_OFFLINE.sent] == 2


@pytest.mark.parametrize("era", ERAS)
async def test_a_stop_that_a_form_asks_about_is_sent_without_the_engine(
    replicas: Replicas, era: str
) -> None:
    person = Person()
    async with replicas.client(replicas.a, era=era, person=person) as client:
        await client.call_tool("list_studios", {})
        await replicas.engine.kill()
        person.answer_with(refusing)
        refused = await client.call_tool(GO_OFFLINE.tool, GO_OFFLINE.arguments)
        assert status_and_reason(refused) == ("declined", "declined")
        assert replicas.changes == {}
        person.answer_with(agreeing)
        done = await client.call_tool(GO_OFFLINE.tool, GO_OFFLINE.arguments)
        assert status_and_reason(done) == RAN
    assert replicas.changes == {GO_OFFLINE.sent: 1}


async def test_a_yes_to_a_stop_from_an_outage_is_good_once_after_it(
    engine: ThrowawayEngine,
) -> None:
    """The engine has hung, and goes on: it never kept the yes."""
    place = replace(store_steps.ME, key="sk_live_of_a_caller")
    async with SharedStore(Engine(engine.url), Clock()).running() as store:

        async def seen(confirmation_id: str | None) -> Seen:
            return await store.look(place, confirmation_id, store_steps.GO_OFFLINE)

        before = await seen(None)
        engine.suspend()
        added = await store_steps.add(store, store_steps.GO_OFFLINE, place=place, seen=before)
        engine.resume()
        with anyio.fail_after(PATIENCE_SECONDS):
            while (await seen(None)).version != before.version:  # noqa: ASYNC110  it can only be asked
                await anyio.sleep(0.02)
        now = await seen(added.id)
        assert isinstance(now.confirmation, Confirmation)
        stop = await store.begin(store_steps.GO_OFFLINE, confirmation_id=added.id, seen=now)
        assert isinstance(stop, Started)
        await store_steps.finish(store, stop)
        assert isinstance((await seen(added.id)).confirmation, UsedConfirmation)


@pytest.mark.parametrize("is_restarted", [False, True], ids=["away", "restarted"])
async def test_a_yes_to_a_stop_is_good_without_the_engine_for_the_client_that_got_it_alone(
    engine: ThrowawayEngine, *, is_restarted: bool
) -> None:
    """Another client of the same key asks its own person."""
    place = replace(store_steps.ME, key="sk_live_of_two_clients")
    other = replace(place, caller="fingerprint-of-the-other-client")
    async with SharedStore(Engine(engine.url), Clock()).running() as store:
        confirmation = await store_steps.add(store, store_steps.GO_OFFLINE, place=place)
        await engine.kill()
        if is_restarted:
            await engine.start()
            await until_back(store)
        for it, is_good in ((other, False), (place, True)):
            seen = await store.look(it, confirmation.id, store_steps.GO_OFFLINE)
            assert (seen.confirmation is not None) is is_good


@pytest.mark.parametrize("is_restarted", [False, True], ids=["away", "restarted"])
async def test_the_age_of_a_yes_to_a_stop_is_known_without_the_engine(
    engine: ThrowawayEngine, *, is_restarted: bool
) -> None:
    """A no in a form that came too soon for a person counts as unseen, and no other."""
    clock, place = TwoClocks(still()), replace(store_steps.ME, key="sk_live_of_a_caller")
    async with open_shared_store(engine.url, clock) as store:
        confirmation = await store_steps.add(store, store_steps.GO_OFFLINE, place=place)
        await engine.kill()
        if is_restarted:
            await engine.start()
            await until_back(store)
        for age in (0, 1, 2):
            seen = await store.look(place, confirmation.id, store_steps.GO_OFFLINE)
            assert seen.confirmation is not None
            assert seen.age == pytest.approx(age, abs=0.002)
            clock.advance(1)


async def test_a_yes_to_a_stop_does_not_expire_while_the_stop_waits_for_an_engine_that_is_gone(
    engine: ThrowawayEngine,
) -> None:
    clock, place = TwoClocks(still()), replace(store_steps.ME, key="sk_live_of_a_caller")
    async with open_shared_store(engine.url, clock) as store:
        confirmation = await store_steps.add(store, store_steps.GO_OFFLINE, place=place)
        await engine.kill()
        clock.advance(LIFETIME_SECONDS - 1)
        seen = await store.look(place, confirmation.id, store_steps.GO_OFFLINE)
        clock.advance(1)
        for is_good in (True, False):
            begun = await store.begin(
                store_steps.GO_OFFLINE, confirmation_id=confirmation.id, seen=seen
            )
            assert isinstance(begun, Started) is is_good


class WrongClock(Clock):
    """The clock of a machine whose date is wrong."""

    def __init__(self, ahead: timedelta) -> None:
        super().__init__()
        self._ahead = ahead

    def now(self) -> datetime:
        """The wrong date."""
        return super().now() + self._ahead


async def until_counted(store: SharedStore) -> None:
    """Wait until the engine knows of a stop."""
    with anyio.fail_after(PATIENCE_SECONDS):
        while True:
            with suppress(NotSent):  # the engine is not back yet
                if await store_steps.stops_counted(store):
                    return
            await anyio.sleep(0.02)


async def test_a_stop_without_the_engine_hides_no_later_go_live_although_a_clock_is_ahead(
    engine: ThrowawayEngine,
) -> None:
    """The engine learns of it when it is back."""
    async with SharedStore(Engine(engine.url), WrongClock(timedelta(hours=1))).running() as store:
        await engine.kill()
        stop = await store_steps.begin_unheard(store)
        await store_steps.finish(store, stop)
        await engine.start()
        await until_counted(store)
        await store_steps.make(store, store_steps.GO_LIVE)
        assert (await store_steps.look(store)).go_live_pending


async def test_a_stop_without_the_engine_ends_an_earlier_go_live_although_a_clock_is_behind(
    engine: ThrowawayEngine,
) -> None:
    """The engine hangs, and learns of it when it goes on."""
    async with SharedStore(Engine(engine.url), WrongClock(timedelta(hours=-1))).running() as store:
        await store_steps.make(store, store_steps.GO_LIVE)
        assert (await store_steps.look(store)).go_live_pending
        engine.suspend()
        stop = await store_steps.begin_unheard(store)
        await store_steps.finish(store, stop)
        engine.resume()
        await until_counted(store)
        assert not (await store_steps.look(store)).go_live_pending
