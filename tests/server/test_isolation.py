"""Concurrent users of one HTTP server never see each other's data.

Each has a key, an account and an era of their own, and tries things of the others. Real sockets,
one connection pool, calls in a fixed random order. `make people` has more users.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import anyio

from tests.support.concurrent_users import foreign_steps, own_steps
from tests.support.concurrent_users.accounts import SHARED_STUDIO, marks, shared_trax
from tests.support.concurrent_users.users import SharedState, User, run_steps
from tests.support.jsonrpc import ERAS
from tests.support.product.shared_clock import STEP_SECONDS, settled
from tests.support.served_app import serving

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.support.concurrent_users.accounts import Account, SharedTrax
    from tests.support.concurrent_users.users import Step
    from tests.support.product.shared_clock import HandClock
    from tests.support.served_app import Front

LONGEST_SECONDS: Final = 300
"""In real time; an idle machine needs a twentieth of it."""

USERS: Final = min(int(os.environ.get("PROOF_PEOPLE", "3")), 20)
"""With more, they would wait for connections of the one pool."""

STEPS: Final[Mapping[Step, int]] = {
    own_steps.look: 5,
    own_steps.list_all: 2,
    own_steps.find: 2,
    own_steps.read: 4,
    own_steps.complete: 1,
    own_steps.prompt: 1,
    own_steps.send_chat: 2,
    own_steps.reserve: 1,
    own_steps.wait: 2,
    own_steps.go_live_and_offline: 1,
    own_steps.share_confirmations: 3,
    foreign_steps.read_others_studio: 4,
    foreign_steps.read_others_resources: 2,
    foreign_steps.subscribe_to_others_resources: 1,
    foreign_steps.complete_from_others_studio: 1,
    foreign_steps.change_others_things: 1,
    foreign_steps.stop_others_broadcast: 1,
    foreign_steps.use_others_confirmation: 3,
    foreign_steps.answer_others_question: 4,
    foreign_steps.use_others_session: 2,
    foreign_steps.use_others_cursors: 2,
    foreign_steps.cancel_others_request: 4,
}


async def test_concurrent_callers_never_see_each_others_data() -> None:
    """Neither answers nor notifications nor requests to TRaX hold anything of another user."""
    with shared_trax(USERS) as shared:
        async with serving(trax=shared.sandbox, short_seconds=0) as front:
            state = SharedState(front.clock)
            users = [await connected_user(front, state, shared, it) for it in shared.accounts]
            with anyio.fail_after(LONGEST_SECONDS):
                await run_all(users, front.clock)
        done = sum((user.done for user in users), Counter[str]())
        assert done["requests"] >= 100 * USERS
        for tried in ("another's confirmation", "another's question", "another's request"):
            assert done[tried] > 0, tried
        for user in users:
            assert_all_steps_ran(user)
            assert_only_own_updates(user)
            assert_only_own_requests(shared, user, state)


async def connected_user(
    front: Front, state: SharedState, shared: SharedTrax, account: Account
) -> User:
    """A user after the handshake; every other user is of the legacy era."""
    caller = await front.opened(ERAS[account.number % 2], x_api_key=account.key)
    if caller.session is not None:
        state.register(account.number, caller.session)
        state.sessions.add(caller.session)
    return User(account, caller, shared, state)


async def run_all(users: Iterable[User], clock: HandClock) -> None:
    """Subscribe all users to their studios, and let them run their steps concurrently."""
    async with anyio.create_task_group() as followers:
        async with anyio.create_task_group() as clock_task:
            clock_task.start_soon(let_time_pass, clock)
            for user in users:
                await followers.start(user.follow_updates)
            async with anyio.create_task_group() as tasks:
                for user in users:
                    tasks.start_soon(run_steps, user, STEPS)
            clock_task.cancel_scope.cancel()
        await clock.pass_by(20)
        followers.cancel_scope.cancel()


async def let_time_pass(clock: HandClock) -> None:
    """Let time pass whenever everybody waits."""
    while True:
        with suppress(TimeoutError):  # busy: then time passes with the answers
            await settled()
            clock.advance(STEP_SECONDS)


def assert_all_steps_ran(user: User) -> None:
    """Every step ran as often as planned, and the answers held own data."""
    assert {step.__name__: user.done[step.__name__] for step in STEPS} == {
        step.__name__: times for step, times in STEPS.items()
    }
    assert user.marked_answers > 25


def assert_only_own_updates(user: User) -> None:
    """The updates cover the own chats, and no resource of another user."""
    chats = {f"trax://studios/{it}/chat" for it in user.own_studios}
    assert (
        chats
        <= set(user.updated_uris)
        <= set(user.resource_uris([*user.own_studios, SHARED_STUDIO]))
    )


def assert_only_own_requests(shared: SharedTrax, user: User, state: SharedState) -> None:
    """The requests to TRaX with this key are the user's own and hold only what the user sent."""
    requests = [it for it in shared.requests if it.secret == user.account.key]
    changes = Counter(f"{it.method} {it.path}" for it in requests if it.method != "GET")
    assert changes == user.expected_changes
    for it in requests:
        sent = f"{it.path} {it.query} {it.body.decode()} {it.headers}"
        others_marks = {mark for owner, mark in marks(sent) if owner != user.number}
        assert others_marks <= user.named_marks, sent
        assert [secret for secret in state.owners if secret in sent] == []
        assert "cookie" not in it.headers
    polled = {it.path for it in requests if SHARED_STUDIO in it.path}
    assert {
        f"/v1/studios/{SHARED_STUDIO}/{it}" for it in ("chat/messages", "stream-status")
    } <= polled
