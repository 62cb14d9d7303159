"""Walks that clients take without consent: up to a preview, past a person, around a question.

Each is taken for every guarded call and over every transport; it knows neither.
"""
# ruff: noqa: D103 - the tables in `ways` say what each walk is

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import mcp_types as types
from mcp.shared.exceptions import MCPError

from tests.acts import DELETE_SOURCE, GO_OFFLINE
from tests.consent import rename_all
from tests.meanwhile import Paused, gives_up, settle
from tests.person import (
    agreeing,
    choices,
    declining,
    failing,
    filled_in,
    filling_in,
    silent,
    yes_to,
)
from tests.witness import put_on_air

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from mcp import Client

    from tests.acts import Act
    from tests.consent import Desk
    from tests.person import Form, Said, Saying

    Walk = Callable[[Desk, Act], Coroutine[Any, Any, object]]

FIVE_MINUTES: Final = 300.0


# Where nobody can be asked: `confirm` and `confirmation`.


def calling(**evidence: object) -> Walk:
    async def walk(desk: Desk, act: Act) -> object:
        return await desk.call(act, **evidence)

    return walk


def confirming(confirmation: str) -> Walk:
    return calling(confirm=True, confirmation=confirmation)


async def without_the_flag(desk: Desk, act: Act) -> object:
    return await desk.call(act, confirmation=await desk.confirmation(act))


async def against_the_flag(desk: Desk, act: Act) -> object:
    return await desk.call(act, confirm=False, confirmation=await desk.confirmation(act))


async def expired(desk: Desk, act: Act) -> object:
    confirmation = await desk.confirmation(act)
    desk.clock.advance(FIVE_MINUTES)
    return await confirming(confirmation)(desk, act)


async def of_another_caller(desk: Desk, act: Act) -> object:
    return await confirming(await desk.confirmation(act, client=desk.other))(desk, act)


async def of_other_arguments(desk: Desk, act: Act) -> object:
    return await confirming(await desk.confirmation(act.other))(desk, act)


async def of_another_operation(desk: Desk, act: Act) -> object:
    return await confirming(await desk.confirmation(another(act)))(desk, act)


async def of_how_it_was(desk: Desk, act: Act) -> object:
    confirmation = await desk.confirmation(act)
    rename_all(desk.trax)
    return await confirming(confirmation)(desk, act)


async def of_before_the_show(desk: Desk, act: Act) -> object:
    confirmation = await desk.confirmation(act)
    put_on_air(desk.trax)
    return await confirming(confirmation)(desk, act)


async def given_up_while_looking(desk: Desk, act: Act) -> None:
    held, confirmation = Paused(), await desk.confirmation(act)
    desk.trax.faults.add(held.fault, method="GET")
    call = partial(confirming(confirmation), desk, act)
    await gives_up(call, held, seen=partial(heard, desk.plain))
    await heard(desk.plain)


async def heard(client: Client) -> None:
    """Make sure that the server has read all that a client said before."""
    await client.list_tools()
    await settle()


def another(act: Act) -> Act:
    return DELETE_SOURCE if act.tool == "go_offline" else GO_OFFLINE


# Where a person can be asked: forms.


def saying(say: Saying, **evidence: object) -> Walk:
    async def walk(desk: Desk, act: Act) -> object:
        desk.person.will(say)
        return await desk.call(act, desk.asking, **evidence)

    return walk


async def elsewhere(form: Form) -> Said:
    return filled_in({"decision": choices(form)[0]})


async def declining_what_was_confirmed(desk: Desk, act: Act) -> object:
    confirmation = await desk.confirmation(act)
    return await saying(declining, confirm=True, confirmation=confirmation)(desk, act)


async def in_the_words_of_another_act(desk: Desk, act: Act) -> object:
    await saying(declining)(desk, another(act))
    words = choices(desk.person.forms[-1])[0]
    return await saying(filling_in({"choice": words}))(desk, act)


async def client_gives_up(desk: Desk, act: Act) -> None:
    try:
        await saying(failing)(desk, act)
    except MCPError:
        return
    raise AssertionError("a client that cannot show a form has nothing to answer")


async def no_answer(desk: Desk, act: Act) -> object:
    results = []

    async def call() -> None:
        results.append(await desk.call(act, desk.asking))

    desk.person.will(silent)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await desk.person.asked()
        await settle()
        desk.clock.advance(FIVE_MINUTES)
    return results[0]


async def given_up_while_asked(desk: Desk, act: Act) -> None:
    late = anyio.Event()

    async def say(form: Form) -> Said:
        await late.wait()
        return await agreeing(form)

    desk.person.will(say)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(desk.call, act, desk.asking))
        await desk.person.asked()
        tasks.cancel_scope.cancel()
    await heard(desk.asking)
    late.set()
    await heard(desk.asking)


async def ever_other(desk: Desk, act: Act) -> object:
    async def say(form: Form) -> Said:
        rename_all(desk.trax)
        return await agreeing(form)

    return await saying(say)(desk, act)


# Where the answer is a call of its own, with a handle (2026-07-28).


async def without_a_handle(desk: Desk, act: Act) -> object:
    said = yes_to(await desk.question(act))
    return await desk.answer(act, None, {"consent": said})


async def with_an_invented_handle(desk: Desk, act: Act) -> object:
    said = yes_to(await desk.question(act))
    return await desk.answer(act, secrets.token_urlsafe(16), {"consent": said})


async def with_a_handle_alone(desk: Desk, act: Act) -> object:
    return await desk.answer(act, (await desk.question(act)).request_state)


async def with_another_handle(desk: Desk, act: Act) -> object:
    theirs, ours = await desk.question(another(act)), await desk.question(act)
    return await desk.answer(act, theirs.request_state, {"consent": yes_to(ours)})


async def about_other_arguments(desk: Desk, act: Act) -> object:
    theirs = await desk.question(act.other)
    return await desk.answer(act, theirs.request_state, {"consent": yes_to(theirs)})


async def with_a_confirmation_for_a_handle(desk: Desk, act: Act) -> object:
    said = yes_to(await desk.question(act))
    return await desk.answer(act, await desk.confirmation(act), {"consent": said})


async def with_a_handle_for_a_confirmation(desk: Desk, act: Act) -> object:
    asked = await desk.question(act)
    return await confirming(asked.request_state or "")(desk, act)


async def by_another_caller(desk: Desk, act: Act) -> object:
    asked = await desk.question(act)
    said: types.InputResponses = {"consent": yes_to(asked)}
    return await desk.answer(act, asked.request_state, said, client=desk.other)


async def too_late(desk: Desk, act: Act) -> object:
    asked = await desk.question(act)
    desk.clock.advance(FIVE_MINUTES)
    return await desk.answer(act, asked.request_state, {"consent": yes_to(asked)})


async def under_another_name(desk: Desk, act: Act) -> object:
    asked = await desk.question(act)
    return await desk.answer(act, asked.request_state, {"something": yes_to(asked)})


async def of_another_kind(desk: Desk, act: Act) -> object:
    asked = await desk.question(act)
    roots = types.ListRootsResult(roots=[])
    return await desk.answer(act, asked.request_state, {"consent": roots})
