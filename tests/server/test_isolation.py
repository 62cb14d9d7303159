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

from tests.support.concurrent_users.accounts import SHARED_STUDIO, marks, shared_trax
from tests.support.concurrent_users.users import STEPS, Shared, User, run_steps
from tests.support.jsonrpc import ERAS
from tests.support.product.shared_clock import STEP_SECONDS, settled
from tests.support.served_app import serving

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.product.shared_clock import HandClock

LONGEST_SECONDS: Final = 300
"""In real time; an idle machine needs a hundredth of it."""

USERS: Final = min(int(os.environ.get("PROOF_PEOPLE", "3")), 20)
"""With more, they would wait for connections of the one pool."""


async def test_concurrent_callers_never_see_each_others_data() -> None:
    """Neither answers nor notifications nor requests to TRaX hold anything of another user."""
    with shared_trax(USERS) as trax:
        async with serving(trax=trax.sandbox, short_seconds=0) as front:
            shared = Shared(front.clock)
            users = [
                User(it, await front.opened(ERAS[number % 2], x_api_key=it.key), trax, shared)
                for number, it in enumerate(trax.accounts)
            ]
            with anyio.fail_after(LONGEST_SECONDS):
                await run_all(users, front.clock)
        done = sum((user.done for user in users), Counter[str]())
        assert done["requests"] >= 100 * USERS
        assert done["marked answers"] >= 25 * USERS
        assert min(done[f"another's {it}"] for it in ("question", "request")) > 0
        assert {step.__name__: done[step.__name__] for step in STEPS} == {
            step.__name__: times * USERS for step, times in STEPS.items()
        }
        for user in users:
            check_updates(user)
            check_requests(user)


async def run_all(users: Iterable[User], clock: HandClock) -> None:
    """Subscribe all users to their studios, and let them run their steps concurrently."""
    async with anyio.create_task_group() as followers:
        async with anyio.create_task_group() as clock_task:
            clock_task.start_soon(let_time_pass, clock)
            for user in users:
                await followers.start(user.follow_updates)
            async with anyio.create_task_group() as tasks:
                for user in users:
                    tasks.start_soon(run_steps, user)
            clock_task.cancel_scope.cancel()
        await clock.pass_by(20)
        followers.cancel_scope.cancel()


async def let_time_pass(clock: HandClock) -> None:
    """Let time pass whenever everybody waits."""
    while True:
        with suppress(TimeoutError):  # busy: then time passes with the answers
            await settled()
            clock.advance(STEP_SECONDS)


def check_updates(user: User) -> None:
    """The updates cover the own chats, and no resource of another user."""
    chats = {f"trax://studios/{it}/chat" for it in user.studios}
    own = set(user.resource_uris([*user.studios, SHARED_STUDIO]))
    assert chats <= set(user.updated_uris) <= own


def check_requests(user: User) -> None:
    """The requests to TRaX with this key are the user's own and hold only what the user sent."""
    requests = [it for it in user.trax.requests if it.secret == user.account.key]
    changes = Counter(f"{it.method} {it.path}" for it in requests if it.method != "GET")
    assert changes == user.expected_changes
    for it in requests:
        sent = f"{it.path} {it.query} {it.body.decode()} {it.headers}"
        others_marks = {mark for owner, mark in marks(sent) if owner != user.number}
        assert others_marks <= user.named_marks, sent
        assert [secret for secret in user.shared.owners if secret in sent] == []
        assert "cookie" not in it.headers
    polled = {it.path.removeprefix(f"/v1/studios/{SHARED_STUDIO}/") for it in requests}
    assert {"chat/messages", "stream-status"} <= polled
