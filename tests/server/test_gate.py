"""TRaX is asked about a key before the first call with it. A stop does not wait for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio

from tests.support.product.faults import Fault
from tests.support.product.virtual_time import in_virtual_time
from tests.world.sign_in import registered
from tests.world.wire import MODERN, HttpWire, error_code, request, tool_call
from tests.world.world import KEY_CHECK, MINE, Over, World, open_world

if TYPE_CHECKING:
    from pathlib import Path

UNKNOWN: Final = "sk_live_unknown"
STOP: Final = tool_call(MODERN, "go_offline", studioId="studio_42", confirm=True)


def checks(it: World) -> int:
    """How often TRaX was asked about a key."""
    return sum((one.path, one.query) == KEY_CHECK for one in it.trax.requests)


def wire(it: World, key: str = MINE) -> HttpWire:
    """A caller with this key."""
    return HttpWire(it.http, MODERN, x_api_key=key)


@in_virtual_time
async def test_trax_is_asked_about_a_key_once_and_again_after_an_hour_without_a_call() -> None:
    """For all who come at the same time. Lists and prompts need no key, so nobody is asked."""
    async with open_world(virtual=True, over=Over.HTTP) as it:
        caller = wire(it)
        await caller.post(request(MODERN, "tools/list"))
        assert checks(it) == 0
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(caller.call, "list_studios")
        await caller.call("list_studios")
        assert checks(it) == 1
        await anyio.sleep(3601)
        await caller.call("list_studios")
        assert checks(it) == 2


@in_virtual_time
async def test_a_key_that_trax_refuses_counts_as_none_for_ten_seconds() -> None:
    """Its calls say so and reach nobody. A revoked one is kept out by the next call's answer."""
    async with open_world(virtual=True, over=Over.HTTP) as it:
        stranger = wire(it, UNKNOWN)
        for _ in range(3):
            assert error_code(await stranger.call("list_studios")) == "invalid_key"
        assert (checks(it), it.calls) == (1, [])
        assert (await stranger.post(request(MODERN, "tools/list"))).status_code == 200
        it.trax.add_key(UNKNOWN)
        await anyio.sleep(11)
        assert not (await stranger.call("list_studios")).get("isError")


@in_virtual_time
async def test_no_key_is_kept_out_where_trax_does_not_say_that_it_is_invalid() -> None:
    """In an outage the call goes on, and its own answer counts."""
    async with open_world(virtual=True, over=Over.HTTP) as it:
        for fault in (Fault.status(500), Fault.error(429, "rate_limited"), Fault.silence()):
            it.trax.faults.add(fault)
            assert not (await wire(it).call("get_studio", studioId="studio_42")).get("isError")
            await anyio.sleep(3601)


@in_virtual_time
async def test_a_stop_does_not_wait_until_trax_has_said_something_about_its_key() -> None:
    async with open_world(virtual=True, over=Over.HTTP, TRAX_ASK="confirm_alone") as it:
        it.trax.faults.slow(9, path="/v1/studios")
        began = anyio.current_time()
        await wire(it).post(STOP)
        assert it.times_of("/go-offline")[0] - began < 1


async def test_whoever_signed_in_with_a_key_that_trax_refuses_signs_in_again(
    tmp_path: Path,
) -> None:
    """The client gets 401 and its challenge, and opens the browser."""
    async with registered(tmp_path) as (it, steps):
        caller = it.signed_in(await steps.sign_in(MINE))
        it.trax.faults.add(Fault.error(401, "invalid_key"), times=None)
        await it.hand_clock.pass_by(3601)
        await caller.post(tool_call(MODERN, "list_studios"))
        answer = await caller.post(tool_call(MODERN, "list_studios"))
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
