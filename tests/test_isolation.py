"""Ten callers at once over one HTTP server: nothing of one ever reaches another.

Each has a key, an account and an era of their own, and tries what is the others'. Real sockets, one
pool of connections for all of them, thousands of calls in an order that is the same each time.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import anyio

from tests.crowd import dealings, trespass
from tests.crowd.accounts import COMMON, marks, town
from tests.crowd.members import Board, Member, at_work
from tests.front import serving
from tests.hand import STEP_SECONDS, settled
from tests.jsonrpc import ERAS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.crowd.accounts import Account, Town
    from tests.crowd.members import Step
    from tests.front import Front
    from tests.hand import HandClock

LONGEST_SECONDS: Final = 300
"""In real time; it takes a twentieth of that on a machine that is not busy."""

STEPS: Final[Mapping[Step, int]] = {
    dealings.look: 20,
    dealings.list_all: 5,
    dealings.find: 5,
    dealings.read: 8,
    dealings.complete: 6,
    dealings.prompt: 4,
    dealings.speak: 6,
    dealings.reserve: 3,
    dealings.wait: 4,
    dealings.show: 2,
    dealings.rehearse: 5,
    trespass.pry: 10,
    trespass.peek: 6,
    trespass.eavesdrop: 3,
    trespass.guess: 4,
    trespass.meddle: 2,
    trespass.interrupt: 2,
    trespass.forge: 5,
    trespass.impersonate: 6,
    trespass.intrude: 4,
    trespass.turn_pages: 4,
    trespass.cancel: 6,
}


async def test_nothing_of_one_caller_reaches_another() -> None:
    """Neither in an answer nor an error, a suggestion or a notification; nor does it reach TRaX."""
    with town() as there:
        async with serving(trax=there.trax, short_seconds=0) as front:
            board = Board(front.clock)
            members = [await arrived(front, board, there, it) for it in there.people]
            with anyio.fail_after(LONGEST_SECONDS):
                await all_at_work(members, front.clock)
        asked = sum(member.done["asked"] for member in members)
        assert asked >= 2000
        for member in members:
            assert_busy(member)
            assert_told(member)
            assert_faithful(there, member, board)


async def arrived(front: Front, board: Board, there: Town, account: Account) -> Member:
    """Somebody who has shaken hands: every other one is of the earlier era."""
    caller = await front.opened(ERAS[account.number % 2], x_api_key=account.key)
    if caller.session is not None:
        board.pin(account.number, caller.session)
        board.sessions.add(caller.session)
    return Member(account, caller, there, board)


async def all_at_work(members: Iterable[Member], clock: HandClock) -> None:
    """Let all of them be told of what is theirs, and take their steps, all at once."""
    async with anyio.create_task_group() as followers:
        async with anyio.create_task_group() as time:
            time.start_soon(let_time_pass, clock)
            for member in members:
                await followers.start(member.follow)
            async with anyio.create_task_group() as tasks:
                for member in members:
                    tasks.start_soon(at_work, member, STEPS)
            time.cancel_scope.cancel()
        await clock.pass_by(20)
        followers.cancel_scope.cancel()


async def let_time_pass(clock: HandClock) -> None:
    """Let time pass when everybody waits for it."""
    while True:
        with suppress(TimeoutError):  # they are busy: then it passes with what they do
            await settled()
            clock.advance(STEP_SECONDS)


def assert_busy(member: Member) -> None:
    """Everything was done, and the answers were about what is theirs."""
    assert {step.__name__: member.done[step.__name__] for step in STEPS} == {
        step.__name__: times for step, times in STEPS.items()
    }
    assert member.told > 100
    for tried in ("a confirmation", "a question", "a wait"):
        assert member.done[f"{tried} of another's"] > 0, tried


def assert_told(member: Member) -> None:
    """They were told that there is chat in theirs, and of nothing of another's."""
    chats = {f"trax://studios/{it}/chat" for it in member.own}
    assert chats <= set(member.news) <= set(member.addresses([*member.own, COMMON]))


def assert_faithful(there: Town, member: Member, board: Board) -> None:
    """What reached TRaX with their key is what they asked for, and holds no more than they said."""
    reached = [it for it in there.reached if it.secret == member.account.key]
    changes = Counter(f"{it.method} {it.path}" for it in reached if it.method != "GET")
    assert changes == member.changed
    for it in reached:
        sent = f"{it.path} {it.query} {it.body.decode()} {it.headers}"
        strange = {mark for owner, mark in marks(sent) if owner != member.number}
        assert strange <= member.named, sent
        assert [secret for secret in board.owners if secret in sent] == []
        assert "cookie" not in it.headers
    looked = {it.path for it in reached if COMMON in it.path}
    assert {f"/v1/studios/{COMMON}/{it}" for it in ("chat/messages", "stream-status")} <= looked
