"""Which callers share a watcher, how long an unused one is kept, and updates by other reads."""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from tests.conftest import OWNER
from tests.support.concurrency import Paused
from tests.support.fact_reads import narrow
from tests.support.product.faults import Fault
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY, REVOKED_KEY
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.watcher_harness import LONGEST_PAUSE, SHORTEST, SteppedClock, ignore
from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.errors import NotSent
from trax_mcp.api.models import StreamStatus
from trax_mcp.api.operations import ListStudios
from trax_mcp.chat.watcher import Watcher
from trax_mcp.chat.watchers import KEPT_SECONDS, OTHER_KEPT_SECONDS, Watchers
from trax_mcp.sandbox.keys import ACCOUNT, SCOPES
from trax_mcp.sandbox.records import Key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.product.sandbox import Sandbox
    from trax_mcp.api.client import Client
    from trax_mcp.chat.polled_source import PolledChat

OTHER_ACCOUNT: Final = Caller(ANOTHER_ACCOUNT_KEY)
REVOKED: Final = Caller(REVOKED_KEY)
MAX_KEPT: Final = 50
MAX_OTHER_KEPT: Final = 10


class ManualWatchers(Watchers):
    """Watchers with their clock."""

    clock: SteppedClock


@asynccontextmanager
async def watchers_of(trax: Client) -> AsyncIterator[ManualWatchers]:
    """The watchers of this client, until the block ends."""
    clock = SteppedClock()
    with anyio.fail_after(PATIENCE_SECONDS):
        async with anyio.create_task_group() as tasks:
            watchers = ManualWatchers(trax, shortest=SHORTEST, clock=clock, tasks=tasks)
            watchers.clock = clock
            yield watchers
            tasks.cancel_scope.cancel()


def accept(trax: Client, *callers: Caller) -> None:
    """Let the client believe that TRaX has accepted these callers' keys."""
    for caller in callers:
        trax.accepted_keys.record_answer(ListStudios(), caller)


def unaccepted_callers(count: int) -> list[Caller]:
    """Callers with a key each that TRaX has not accepted."""
    return [Caller(f"sk_live_unaccepted_{number}") for number in range(count)]


def say(sandbox: Sandbox, text: str) -> None:
    """Add a chat message by a viewer."""
    sandbox.world.say("studio_42", text, author="Ada")


def texts(chat: PolledChat) -> list[str]:
    """The texts in the feed."""
    return [str(message["text"]) for message in chat.feed.latest().messages]


# Sharing


async def test_a_caller_has_one_watcher_per_source(trax: Client, sandbox: Sandbox) -> None:
    """Reads share its polls."""
    async with watchers_of(trax) as watchers:
        first = watchers.chat(OWNER, "studio_42")
        await first.refresh()
        second = watchers.chat(Caller(OWNER.key), "studio_42")
        await second.refresh()
        assert first is second
    assert len(sandbox.requests) == 1


async def test_callers_sources_and_studios_have_separate_watchers(
    trax: Client, sandbox: Sandbox
) -> None:
    """Even two keys of one account."""
    same_account = narrow(sandbox)
    async with watchers_of(trax) as watchers:
        all_watchers: list[Any] = [
            get(caller, studio)
            for get in (watchers.chat, watchers.stream_status)
            for caller in (OWNER, same_account, OTHER_ACCOUNT)
            for studio in ("studio_42", "studio_43")
        ]
        assert len({id(it) for it in all_watchers}) == len(all_watchers)
        assert len({id(it.source) for it in all_watchers}) == len(all_watchers)


async def test_all_clients_of_a_key_share_a_watcher(trax: Client) -> None:
    """So a person who signs in at several is not polled for more often than with one."""
    clients = [OWNER, *(Caller(OWNER.key, client=it, read_only=it == "b") for it in "ab")]
    async with watchers_of(trax) as watchers:
        chats = {id(watchers.chat(it, "studio_42")) for it in clients}
        statuses = {id(watchers.stream_status(it, "studio_42")) for it in clients}
    assert (len(chats), len(statuses)) == (1, 1)


async def test_a_caller_without_a_key_has_no_watcher(trax: Client, sandbox: Sandbox) -> None:
    """No request is sent."""
    async with watchers_of(trax) as watchers:
        for get in (watchers.chat, watchers.stream_status):
            with pytest.raises(NotSent) as caught:
                get(ANONYMOUS, "studio_42")
            assert caught.value.failure.code == "no_key"
        assert watchers._watchers == {}
    assert len(sandbox.requests) == 0


# Removal


async def test_an_unused_watcher_is_kept_for_five_minutes(trax: Client) -> None:
    """After its last use."""
    assert KEPT_SECONDS == 300
    accept(trax, OWNER)
    async with watchers_of(trax) as watchers:
        kept = watchers.chat(OWNER, "studio_42")
        await watchers.clock.advance(200)
        await kept.refresh()
        await watchers.clock.advance(300)
        assert watchers.chat(OWNER, "studio_42") is kept
        await watchers.clock.advance(0.1)
        assert watchers.chat(OWNER, "studio_42") is not kept


async def test_a_watcher_with_a_listener_or_a_poll_is_kept(trax: Client, sandbox: Sandbox) -> None:
    """An hour after that, it is not."""
    async with watchers_of(trax) as watchers:
        listened, being_read = watchers.chat(OWNER, "studio_42"), watchers.chat(OWNER, "studio_43")
        stop_listening = listened.listen(ignore)
        held = Paused()
        sandbox.faults.add(held.fault, path="*/studio_43/*")
        async with anyio.create_task_group() as readers:
            readers.start_soon(being_read.refresh)
            await held.arrived()
            await watchers.clock.advance(3_600)
            assert watchers.chat(OWNER, "studio_42") is listened
            assert watchers.chat(OWNER, "studio_43") is being_read
            held.release()
        stop_listening()
        await watchers.clock.advance(3_600)
        assert watchers.chat(OWNER, "studio_42") is not listened
        assert watchers.chat(OWNER, "studio_43") is not being_read


async def test_the_latest_unused_watchers_of_a_caller_are_kept(
    trax: Client,
) -> None:
    """Those of other callers are not affected."""
    accept(trax, OWNER, OTHER_ACCOUNT)
    async with watchers_of(trax) as watchers:
        others = watchers.chat(OTHER_ACCOUNT, "studio_99")
        listened = watchers.chat(OWNER, "listened")
        listened.listen(ignore)
        names = [f"studio_{number}" for number in range(MAX_KEPT + 1)]
        watchers_by_name = {}
        for name in names:
            watchers_by_name[name] = watchers.chat(OWNER, name)
            await watchers.clock.advance(0.1)
        # The oldest last: a new watcher in its place removes the next one.
        kept = [
            name for name in reversed(names) if watchers.chat(OWNER, name) is watchers_by_name[name]
        ]
        assert kept == names[:0:-1]
        assert watchers.chat(OWNER, "listened") is listened
        assert watchers.chat(OTHER_ACCOUNT, "studio_99") is others


async def test_callers_without_an_accepted_key_share_few_watchers(trax: Client) -> None:
    """The one that was requested longest ago is removed. Those of accepted keys are not."""
    accept(trax, OWNER)
    async with watchers_of(trax) as watchers:
        accepted = watchers.chat(OWNER, "studio_42")
        first, second, *others = unaccepted_callers(MAX_OTHER_KEPT + 1)
        first_chat, second_chat = watchers.chat(first, "s"), watchers.chat(second, "s")
        for caller in others:
            watchers.chat(caller, "s")
        assert watchers.chat(second, "s") is second_chat
        assert watchers.chat(first, "s") is not first_chat
        assert watchers.chat(OWNER, "studio_42") is accepted
        for caller in unaccepted_callers(20 * MAX_OTHER_KEPT):
            watchers.chat(caller, "s")
        assert len(watchers._watchers) <= MAX_OTHER_KEPT + 2


async def test_watchers_without_an_accepted_key_are_few_even_if_trax_wants_no_poll(
    trax: Client, sandbox: Sandbox
) -> None:
    """A refusal that says when to ask again keeps none of them in memory."""
    async with watchers_of(trax) as watchers:
        for caller in unaccepted_callers(3 * MAX_OTHER_KEPT):
            sandbox.faults.add(Fault.error(429, "c", Retry_After="3600"))
            await watchers.chat(caller, "s").refresh()
        assert len(watchers._watchers) <= MAX_OTHER_KEPT + 1


async def test_an_unused_watcher_without_an_accepted_key_is_kept_for_half_a_minute(
    trax: Client,
) -> None:
    """Any caller's next request removes it."""
    assert OTHER_KEPT_SECONDS == 30
    accept(trax, OWNER)
    async with watchers_of(trax) as watchers:
        (caller,) = unaccepted_callers(1)
        kept = watchers.chat(caller, "s")
        await watchers.clock.advance(30)
        assert watchers.chat(caller, "s") is kept
        await watchers.clock.advance(0.1)
        watchers.chat(OWNER, "studio_42")
        assert len(watchers._watchers) == 1
        assert watchers.chat(caller, "s") is not kept


async def test_a_watcher_is_kept_as_usual_when_trax_accepts_its_key(trax: Client) -> None:
    """It no longer counts among those of the others."""
    async with watchers_of(trax) as watchers:
        kept = watchers.chat(OWNER, "studio_42")
        await kept.refresh()
        for caller in unaccepted_callers(2 * MAX_OTHER_KEPT):
            watchers.chat(caller, "s")
        await watchers.clock.advance(KEPT_SECONDS)
        assert watchers.chat(OWNER, "studio_42") is kept


async def test_a_request_looks_at_the_watchers_of_few_callers(
    trax: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are. Each caller's are looked at in turn."""
    callers = unaccepted_callers(300)
    accept(trax, OWNER, *callers)
    looks: list[object] = []

    def look(watcher: Watcher[Any]) -> bool:
        looks.append(watcher)
        return True

    async with watchers_of(trax) as watchers:
        for caller in callers:
            watchers.chat(caller, "s")
        watchers.chat(OWNER, "studio_42")
        monkeypatch.setattr(Watcher, "is_idle", property(look))
        watchers.chat(OWNER, "studio_42")
        assert len(looks) <= 3
        await watchers.clock.advance(KEPT_SECONDS + 1)
        for _ in callers:
            watchers.chat(OWNER, "studio_42")
        assert len(watchers._watchers) == 1


async def test_many_frequent_readers_keep_their_poll_interval(
    trax: Client, sandbox: Sandbox
) -> None:
    """Sixty callers read twice a second; TRaX is polled every two seconds for each."""
    callers = [Caller(f"sk_live_sandbox_reader_{number}") for number in range(60)]
    for caller in callers:
        secret = str(caller.key)
        sandbox.world.keys[secret] = Key(secret, caller.fingerprint, ACCOUNT, SCOPES)
    accept(trax, *callers)
    async with watchers_of(trax) as watchers:
        all_chats = [watchers.chat(caller, "studio_42") for caller in callers]
        for _ in range(20):
            for caller, watcher in zip(callers, all_chats, strict=True):
                assert watchers.chat(caller, "studio_42") is watcher
                await watcher.refresh()
            await watchers.clock.advance(0.5)
    counts = Counter(it.key_name for it in sandbox.requests)
    assert counts == {caller.fingerprint: 5 for caller in callers}


async def test_an_ended_watcher_without_a_listener_is_removed_when_a_poll_is_allowed(
    trax: Client, sandbox: Sandbox
) -> None:
    """A key that is valid again gets a new one."""
    async with watchers_of(trax) as watchers:
        ended = watchers.chat(REVOKED, "studio_42")
        await ended.refresh()
        await watchers.clock.advance(SHORTEST - 0.1)
        await watchers.chat(REVOKED, "studio_42").refresh()
        assert (ended.has_ended, len(sandbox.requests)) == (True, 1)
        await watchers.clock.advance(0.1)
        listened = watchers.chat(REVOKED, "studio_42")
        assert listened is not ended
        stop_listening = listened.listen(ignore)
        await listened.refresh()
        await watchers.clock.advance(SHORTEST)
        assert listened.has_ended
        assert watchers.chat(REVOKED, "studio_42") is listened
        stop_listening()
        assert watchers.chat(REVOKED, "studio_42") is not listened


@pytest.mark.parametrize("status", [401, 429], ids=["final error", "temporary error"])
async def test_no_watcher_is_removed_before_retry_after(
    trax: Client, sandbox: Sandbox, status: int
) -> None:
    """A new one would not respect it."""
    accept(trax, OWNER)
    async with watchers_of(trax) as watchers:
        sandbox.faults.add(Fault.error(status, "c", Retry_After="3600"))
        kept = watchers.chat(OWNER, "studio_42")
        await kept.refresh()
        assert kept.has_ended is (status == 401)
        for number in range(2 * MAX_KEPT):
            watchers.chat(OWNER, f"studio_{number + 100}")
        for _ in range(10):
            await watchers.clock.advance(359.9)
            await watchers.chat(OWNER, "studio_42").refresh()
        assert len(sandbox.requests) == 1
        assert watchers.chat(OWNER, "studio_42") is kept
        stop_listening = kept.listen(ignore)
        stop_listening()
        await watchers.clock.advance(3_600)
        assert watchers.chat(OWNER, "studio_42") is not kept


async def test_a_status_that_a_caller_has_read_updates_their_watcher(
    trax: Client, sandbox: Sandbox
) -> None:
    """An ended one restarts. No other watcher is updated or created."""
    same_account = narrow(sandbox)
    async with watchers_of(trax) as watchers:
        notified: list[str] = []
        for name, caller in (("owner", OWNER), ("same account", same_account)):
            watcher = watchers.stream_status(caller, "studio_42")
            await watcher.refresh()
            watcher.listen(lambda name=name: notified.append(name))  # type: ignore[misc]  # bound early
        await watchers.clock.advance(SHORTEST)
        sandbox.faults.add(Fault.error(401, "invalid_key"))
        own = watchers.stream_status(OWNER, "studio_42")
        await own.refresh()
        assert (notified, own.has_ended) == (["owner"], True)
        before = len(sandbox.requests)
        for caller in (OWNER, OWNER, OTHER_ACCOUNT, ANONYMOUS):
            watchers.record_stream_status(caller, "studio_42", StreamStatus(live=True))
        assert (notified, own.has_ended) == (["owner"] * 2, False)
        assert (len(sandbox.requests), len(watchers._watchers)) == (before, 2)
        await watchers.clock.advance(LONGEST_PAUSE)
        assert own.last_error is None
