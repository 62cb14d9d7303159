"""Who shares a watcher and who does not, how long one is remembered, and what the two kinds see."""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from tests.conftest import OWNER
from tests.looks import narrow
from tests.meanwhile import Paused
from tests.processes import PATIENCE_SECONDS
from tests.watching import LONGEST_PAUSE, SHORTEST, Wristwatch, ignore
from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.errors import NotSent
from trax_mcp.api.models import StreamStatus
from trax_mcp.chat.watchers import KEPT_SECONDS, Watchers
from trax_mcp.sandbox import REVOKED_KEY, STRANGER_KEY, Fault
from trax_mcp.sandbox.keys import ACCOUNT, SCOPES
from trax_mcp.sandbox.records import Key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trax_mcp.api.client import Client
    from trax_mcp.chat.polled_source import Chat
    from trax_mcp.sandbox import Sandbox

STRANGER: Final = Caller(STRANGER_KEY)
REVOKED: Final = Caller(REVOKED_KEY)
MOST_KEPT: Final = 50


class Gallery(Watchers):
    """Watchers with the clock that they go by."""

    clock: Wristwatch


@asynccontextmanager
async def watchers_of(trax: Client) -> AsyncIterator[Gallery]:
    """All that is watched through this client, until the block ends."""
    clock = Wristwatch()
    with anyio.fail_after(PATIENCE_SECONDS):
        async with anyio.create_task_group() as tasks:
            watchers = Gallery(trax, shortest=SHORTEST, clock=clock, tasks=tasks)
            watchers.clock = clock
            yield watchers
            tasks.cancel_scope.cancel()


def say(sandbox: Sandbox, text: str) -> None:
    """Let a viewer say something."""
    sandbox.world.say("studio_42", text, author="Ada")


def texts(chat: Chat) -> list[str]:
    """What was said, as far as it was seen."""
    return [str(message["text"]) for message in chat.feed.latest().messages]


# Who shares


async def test_one_caller_has_one_watcher_of_one_thing(trax: Client, sandbox: Sandbox) -> None:
    """However often it is asked for; what one found, the next need not look for."""
    async with watchers_of(trax) as watchers:
        first = watchers.chat(OWNER, "studio_42")
        await first.refresh()
        second = watchers.chat(Caller(OWNER.key), "studio_42")
        await second.refresh()
        assert first is second
    assert len(sandbox.requests) == 1


async def test_callers_kinds_and_studios_never_share(trax: Client, sandbox: Sandbox) -> None:
    """Not even two keys of one account: what one may read is no other's to know."""
    twin = narrow(sandbox)
    async with watchers_of(trax) as watchers:
        all_of_them: list[Any] = [
            kind(caller, studio)
            for kind in (watchers.chat, watchers.stream_status)
            for caller in (OWNER, twin, STRANGER)
            for studio in ("studio_42", "studio_43")
        ]
        assert len({id(it) for it in all_of_them}) == len(all_of_them)
        assert len({id(it.subject) for it in all_of_them}) == len(all_of_them)


async def test_nothing_is_watched_for_who_has_no_key(trax: Client, sandbox: Sandbox) -> None:
    """They are told so before anything is made, and before anything is asked."""
    async with watchers_of(trax) as watchers:
        for kind in (watchers.chat, watchers.stream_status):
            with pytest.raises(NotSent) as caught:
                kind(ANONYMOUS, "studio_42")
            assert caught.value.failure.code == "no_key"
        assert watchers._watchers == {}
    assert len(sandbox.requests) == 0


async def test_what_one_caller_sees_rings_and_shows_at_no_other_s(
    trax: Client, sandbox: Sandbox
) -> None:
    """A stranger listens to a studio that is not theirs, while its owner reads the news."""
    async with watchers_of(trax) as watchers:
        rings: list[str] = []
        theirs = watchers.chat(STRANGER, "studio_42")
        theirs.listen(lambda: rings.append("stranger"))
        mine = watchers.chat(OWNER, "studio_42")
        mine.listen(lambda: rings.append("owner"))
        await mine.refresh()
        say(sandbox, "Hello")
        await watchers.clock.advance(SHORTEST)
        await mine.refresh()
        assert rings == ["owner"]
        assert texts(mine.subject)[-1] == "Hello"
        await theirs.refresh()
        assert (rings, texts(theirs.subject)) == (["owner", "stranger"], [])
        assert theirs.trouble is not None
        assert theirs.trouble.failure.code == "not_found"


async def test_what_one_caller_has_read_is_known_to_no_other_s_watcher(trax: Client) -> None:
    """The owner reads that the studio is on air; who listens with another key hears nothing."""
    async with watchers_of(trax) as watchers:
        rings: list[str] = []
        for name, caller in (("stranger", STRANGER), ("owner", OWNER)):
            watcher = watchers.stream_status(caller, "studio_42")
            watcher.listen(lambda name=name: rings.append(name))  # type: ignore[misc]  # bound early
        watchers.saw_stream_status(OWNER, "studio_42", StreamStatus(live=False))
        watchers.saw_stream_status(OWNER, "studio_42", StreamStatus(live=True))
        assert set(rings) == {"owner"}


# How long one is remembered


async def test_what_nobody_uses_is_remembered_for_five_minutes(trax: Client) -> None:
    """Whoever comes back within them loses nothing."""
    assert KEPT_SECONDS == 300
    async with watchers_of(trax) as watchers:
        kept = watchers.chat(OWNER, "studio_42")
        await watchers.clock.advance(200)
        await kept.refresh()
        await watchers.clock.advance(300)
        assert watchers.chat(OWNER, "studio_42") is kept
        await watchers.clock.advance(0.1)
        assert watchers.chat(OWNER, "studio_42") is not kept


async def test_what_is_listened_to_or_looked_at_is_not_forgotten(
    trax: Client, sandbox: Sandbox
) -> None:
    """However long that takes; an hour after the last of it, it is."""
    async with watchers_of(trax) as watchers:
        heard, read = watchers.chat(OWNER, "studio_42"), watchers.chat(OWNER, "studio_43")
        leave = heard.listen(ignore)
        held = Paused()
        sandbox.faults.add(held.fault, path="*/studio_43/*")
        async with anyio.create_task_group() as readers:
            readers.start_soon(read.refresh)
            await held.arrived()
            await watchers.clock.advance(3_600)
            assert watchers.chat(OWNER, "studio_42") is heard
            assert watchers.chat(OWNER, "studio_43") is read
            held.release()
        leave()
        await watchers.clock.advance(3_600)
        assert watchers.chat(OWNER, "studio_42") is not heard
        assert watchers.chat(OWNER, "studio_43") is not read


async def test_of_many_that_one_caller_does_not_use_the_latest_are_remembered(
    trax: Client,
) -> None:
    """A client that asks for ever new studios fills no memory, and takes no other's away."""
    async with watchers_of(trax) as watchers:
        others = watchers.chat(STRANGER, "studio_99")
        heard = watchers.chat(OWNER, "heard")
        heard.listen(ignore)
        names = [f"studio_{number}" for number in range(MOST_KEPT + 1)]
        made = {}
        for name in names:
            made[name] = watchers.chat(OWNER, name)
            await watchers.clock.advance(0.1)
        # The oldest last: made anew, it pushes out the next.
        kept = [name for name in reversed(names) if watchers.chat(OWNER, name) is made[name]]
        assert kept == names[:0:-1]
        assert watchers.chat(OWNER, "heard") is heard
        assert watchers.chat(STRANGER, "studio_99") is others


async def test_many_callers_who_read_often_keep_their_pace(trax: Client, sandbox: Sandbox) -> None:
    """Sixty of them, each twice a second for ten seconds: TRaX is asked every two seconds each."""
    callers = [Caller(f"sk_live_sandbox_reader_{number}") for number in range(60)]
    for caller in callers:
        secret = str(caller.key)
        sandbox.world.keys[secret] = Key(secret, caller.fingerprint, ACCOUNT, SCOPES)
    async with watchers_of(trax) as watchers:
        made = [watchers.chat(caller, "studio_42") for caller in callers]
        for _ in range(20):
            for caller, watcher in zip(callers, made, strict=True):
                assert watchers.chat(caller, "studio_42") is watcher
                await watcher.refresh()
            await watchers.clock.advance(0.5)
    asked = Counter(it.key_name for it in sandbox.requests)
    assert asked == {caller.fingerprint: 5 for caller in callers}


async def test_what_has_ended_is_soon_forgotten_unless_someone_listens(
    trax: Client, sandbox: Sandbox
) -> None:
    """As soon as TRaX may be asked again: a key that was made valid begins anew."""
    async with watchers_of(trax) as watchers:
        ended = watchers.chat(REVOKED, "studio_42")
        await ended.refresh()
        await watchers.clock.advance(SHORTEST - 0.1)
        await watchers.chat(REVOKED, "studio_42").refresh()
        assert (ended.has_ended, len(sandbox.requests)) == (True, 1)
        await watchers.clock.advance(0.1)
        heard = watchers.chat(REVOKED, "studio_42")
        assert heard is not ended
        leave = heard.listen(ignore)
        await heard.refresh()
        await watchers.clock.advance(SHORTEST)
        assert heard.has_ended
        assert watchers.chat(REVOKED, "studio_42") is heard
        leave()
        assert watchers.chat(REVOKED, "studio_42") is not heard


@pytest.mark.parametrize("status", [401, 429], ids=["at an end", "in passing"])
async def test_nothing_is_forgotten_before_trax_may_be_asked_again(
    trax: Client, sandbox: Sandbox, status: int
) -> None:
    """Neither idle, nor after an end, nor among many: made anew, it would know of no wish."""
    async with watchers_of(trax) as watchers:
        sandbox.faults.add(Fault.error(status, "c", Retry_After="3600"))
        told = watchers.chat(OWNER, "studio_42")
        await told.refresh()
        assert told.has_ended is (status == 401)
        for number in range(2 * MOST_KEPT):
            watchers.chat(OWNER, f"studio_{number + 100}")
        for _ in range(10):
            await watchers.clock.advance(359.9)
            await watchers.chat(OWNER, "studio_42").refresh()
        assert len(sandbox.requests) == 1
        assert watchers.chat(OWNER, "studio_42") is told
        leave = told.listen(ignore)
        leave()
        await watchers.clock.advance(3_600)
        assert watchers.chat(OWNER, "studio_42") is not told


async def test_what_a_caller_saw_by_themselves_their_watcher_knows(
    trax: Client, sandbox: Sandbox
) -> None:
    """It begins anew where it had ended, and tells of news; nobody else's is touched or made."""
    twin = narrow(sandbox)
    async with watchers_of(trax) as watchers:
        rings: list[str] = []
        for name, caller in (("owner", OWNER), ("twin", twin)):
            on_air = watchers.stream_status(caller, "studio_42")
            await on_air.refresh()
            on_air.listen(lambda name=name: rings.append(name))  # type: ignore[misc]  # bound early
        await watchers.clock.advance(SHORTEST)
        sandbox.faults.add(Fault.error(401, "invalid_key"))
        mine = watchers.stream_status(OWNER, "studio_42")
        await mine.refresh()
        assert (rings, mine.has_ended) == (["owner"], True)
        asked = len(sandbox.requests)
        for caller in (OWNER, OWNER, STRANGER, ANONYMOUS):
            watchers.saw_stream_status(caller, "studio_42", StreamStatus(live=True))
        assert (rings, mine.has_ended) == (["owner"] * 2, False)
        assert (len(sandbox.requests), len(watchers._watchers)) == (asked, 2)
        await watchers.clock.advance(LONGEST_PAUSE)
        assert mine.trouble is None


async def test_a_passing_trouble_is_no_end(trax: Client, sandbox: Sandbox) -> None:
    """What was seen before it is still known after it."""
    async with watchers_of(trax) as watchers:
        chat = watchers.chat(OWNER, "studio_42")
        await chat.refresh()
        sandbox.faults.add(Fault.status(500))
        await watchers.clock.advance(SHORTEST)
        await chat.refresh()
        assert chat.trouble is not None
        assert watchers.chat(OWNER, "studio_42") is chat
        assert len(texts(chat.subject)) == 3
