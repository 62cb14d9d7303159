"""A yes that is given on one replica and pressed on several: it runs exactly once.

The whole numbers are tried with REPLICAS_WHOLE=1, a tenth of them without.
"""

from __future__ import annotations

import os
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
import mcp_types as types
import pytest

from proof.replicas.presses import (
    EXPIRED,
    RAN,
    USED,
    answer,
    consent,
    outcome,
    press,
    preview,
    until,
)
from proof.replicas.studios import in_new_studio, in_studio
from tests.support.consent_clients import SECOND_KEY, status_and_reason
from tests.support.guarded_calls import (
    GO_LIVE,
    GO_OFFLINE,
    GUARDED_OPERATIONS,
    GuardedOperation,
)
from tests.support.product.faults import Fault
from tests.support.simulated_person import Person, agreeing, choices, chosen, yes_to
from tests.world.wire import LEGACY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp import Client

    from proof.replicas.replica_setup import Replicas
    from tests.support.simulated_person import Form, FormAnswer
    from tests.world.wire import HttpWire

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("on_air_at_once"),
]

_WHOLE: Final = "REPLICAS_WHOLE" in os.environ
YESES: Final = 1000 if _WHOLE else 100
GO_LIVES: Final = 200 if _WHOLE else 20
AT_ONCE: Final = 6
STUDIOS: Final = 8


async def press_on_both(
    operations: Iterator[GuardedOperation], callers: list[HttpWire], outcomes: Counter[Any]
) -> None:
    """Preview at one replica, then press on all at once, for one call after another."""
    for number, operation in enumerate(operations):
        confirmation = await preview(callers[number % len(callers)], operation)
        results: list[Any] = []

        async def press_one(caller: HttpWire) -> None:
            results.append(await press(caller, operation, confirmation))  # noqa: B023  ends in the loop

        async with anyio.create_task_group() as tasks:
            for caller in callers:
                tasks.start_soon(press_one, caller)
        outcomes[tuple(sorted(results, key=str))] += 1


async def press_all(replicas: Replicas, operations: list[GuardedOperation]) -> Counter[Any]:
    """Press each on both replicas, some of them at the same time. Count the pairs of outcomes."""
    callers = [await replicas.caller(it) for it in replicas.both]
    outcomes: Counter[Any] = Counter()
    waiting = iter(operations)
    async with anyio.create_task_group() as tasks:
        for _ in range(AT_ONCE):
            tasks.start_soon(press_on_both, waiting, callers, outcomes)
    return outcomes


async def test_yeses_that_are_pressed_on_both_at_once_run_exactly_once_each(
    shared_replicas: Replicas,
) -> None:
    """In a few studios, so that they also wait for one another."""
    change = GUARDED_OPERATIONS["update_destination, streamKey"]
    in_studios = [in_new_studio(shared_replicas, change) for _ in range(STUDIOS)]
    pressed = [in_studios[number % STUDIOS] for number in range(YESES)]
    before = shared_replicas.changes
    assert await press_all(shared_replicas, pressed) == {(USED, RAN): YESES}
    assert shared_replicas.changes - before == Counter(it.sent for it in pressed)


async def test_go_lives_that_are_pressed_on_both_at_once_run_exactly_once_each(
    shared_replicas: Replicas,
) -> None:
    """Each in a studio of its own."""
    pressed = [in_new_studio(shared_replicas, GO_LIVE) for _ in range(GO_LIVES)]
    before = shared_replicas.changes
    assert await press_all(shared_replicas, pressed) == {(USED, RAN): GO_LIVES}
    assert shared_replicas.changes - before == Counter(it.sent for it in pressed)


async def test_a_form_that_one_replica_asked_is_answered_at_another(
    shared_replicas: Replicas,
) -> None:
    """In the later era, on both at once: it runs once."""
    operation = in_new_studio(shared_replicas, GO_LIVE)
    results = []

    async def answer_at(client: Client, asked: types.InputRequiredResult) -> None:
        result = await client.session.call_tool(
            operation.tool,
            operation.arguments,
            input_responses=dict.fromkeys(asked.input_requests or {}, yes_to(asked)),
            request_state=asked.request_state,
            allow_input_required=True,
        )
        results.append(status_and_reason(result))

    async with (
        shared_replicas.client(shared_replicas.a, person=Person()) as a,
        shared_replicas.client(shared_replicas.b, person=Person()) as b,
    ):
        asked = await a.session.call_tool(
            operation.tool, operation.arguments, allow_input_required=True
        )
        assert isinstance(asked, types.InputRequiredResult)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(answer_at, a, asked)
            tasks.start_soon(answer_at, b, asked)
    assert sorted(results, key=str) == sorted([RAN, USED], key=str)
    assert shared_replicas.changes[operation.sent] == 1


async def test_a_stop_at_one_replica_voids_the_form_that_another_shows(
    shared_replicas: Replicas,
) -> None:
    """In the earlier era the form belongs to the session, and so to its replica."""
    operation, person = in_new_studio(shared_replicas, GO_LIVE), Person()
    stop = in_studio(GO_OFFLINE, operation.arguments["studioId"])
    other = await shared_replicas.caller(shared_replicas.b, key=SECOND_KEY)

    async def stop_then_agree(form: Form) -> FormAnswer:
        assert await consent(other, stop) == RAN
        return chosen(choices(form)[0])

    async with shared_replicas.client(shared_replicas.a, era=LEGACY, person=person) as asking:
        person.answer_with(stop_then_agree)
        result = await asking.call_tool(operation.tool, operation.arguments)
        assert status_and_reason(result) == EXPIRED
        assert shared_replicas.changes[operation.sent] == 0
        person.answer_with(agreeing)
        result = await asking.call_tool(operation.tool, operation.arguments)
        assert status_and_reason(result) == RAN


async def test_a_go_live_is_pending_for_all_replicas(shared_replicas: Replicas) -> None:
    """It was sent, and has not been seen on air: another one is not needed."""
    operation = in_new_studio(shared_replicas, GO_LIVE)
    studio = operation.arguments["studioId"]
    a, b = [await shared_replicas.caller(it) for it in shared_replicas.both]
    unseen = Fault.error(404, "not_found")
    confirmation = await preview(a, operation)
    other = await preview(b, operation)
    faults = shared_replicas.trax.faults
    hide = partial(faults.add, unseen, path=f"*/{studio}/stream-status", times=None)
    faults.add(Fault.followed_by(hide), path=f"*/{studio}/go-live")
    assert await press(a, operation, confirmation) == RAN
    faults.clear()
    shared_replicas.trax.go_offline(studio)
    assert await press(b, operation, other) == ("nothing_to_do", None)
    assert shared_replicas.changes[operation.sent] == 1


async def test_a_stop_at_one_replica_ends_the_observation_of_a_go_live_at_another(
    shared_replicas: Replicas,
) -> None:
    """It was not seen on air yet, and would be observed for 15 s."""
    operation = in_new_studio(shared_replicas, GO_LIVE)
    stop = in_studio(GO_OFFLINE, operation.arguments["studioId"])
    a = await shared_replicas.caller(shared_replicas.a)
    b = await shared_replicas.caller(shared_replicas.b, key=SECOND_KEY)
    confirmation, yes_to_stop = await preview(a, operation), await preview(b, stop)
    not_live, path = Fault.status(200, {"live": False}), operation.arguments["studioId"]
    shared_replicas.trax.faults.add(not_live, path=f"*/{path}/stream-status", times=None)
    results = []

    async def go_live() -> None:
        results.append(await answer(a, operation, confirmation))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(go_live)
        await until(lambda: shared_replicas.changes[operation.sent])
        assert await press(b, stop, yes_to_stop) == RAN
    assert results[0]["structuredContent"]["observed"]["state"] == "stopping"


async def test_auto_go_live_that_one_replica_turned_on_is_known_to_the_other(
    shared_replicas: Replicas,
) -> None:
    """So a source that is switched on needs a yes there: the studio may go live by itself."""
    a, b = [await shared_replicas.caller(it) for it in shared_replicas.both]
    arguments = {"studioId": "studio_43", "sourceId": "source_4", "active": True}
    source = GuardedOperation("update_source", arguments, "", {})
    assert outcome(await b.call(source.tool, **source.arguments)) == RAN
    auto = GuardedOperation("update_studio", {"studioId": "studio_43", "autoGoLive": True}, "", {})
    assert await consent(a, auto) == RAN
    asked = outcome(await b.call(source.tool, **source.arguments))
    assert asked == ("confirmation_required", None)
    off = {"studioId": "studio_43", "autoGoLive": False}
    assert outcome(await b.call("update_studio", **off)) == RAN
    assert outcome(await a.call(source.tool, **source.arguments)) == RAN
