"""What is offered while one types is kept for half a minute, for the key that read it alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import anyio

from tests.support.completion_requests import CHAT, suggested
from tests.support.fact_reads import ACCOUNTS, STUDIOS, asked, narrow
from tests.support.product.faults import Fault
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY
from tests.support.product.shared_clock import settled
from tests.support.resource_reads import client_of
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    import mcp
    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.server import Product
    from tests.support.product.shared_clock import HandClock

OWNED: Final = ["studio_42", "studio_43", "studio_51", "studio_60"]


async def ids(client: mcp.Client) -> list[str]:
    """The studios that are suggested."""
    return await suggested(client, CHAT, "studioId")


async def test_a_list_is_read_once_in_half_a_minute(
    server: Server[Any], sandbox: Sandbox, clock: HandClock
) -> None:
    """Each list by itself. After that it is read again, and kept as long."""
    async with client_of(server) as client:
        assert await ids(client) == OWNED
        sandbox.add_studio("Late Show", record_id="studio_77")
        clock.advance(20)
        await suggested(client, "set_up_destination", "connection")
        clock.advance(9.9)
        assert await ids(client) == OWNED
        assert asked(sandbox) == {STUDIOS: 1, ACCOUNTS: 1}
        clock.advance(0.1)
        assert await ids(client) == [*OWNED, "studio_77"]
        clock.advance(29.9)
        await suggested(client, "set_up_destination", "connection")
        assert await ids(client) == [*OWNED, "studio_77"]
    assert asked(sandbox) == {STUDIOS: 2, ACCOUNTS: 2}


async def test_keys_do_not_share_lists(
    open_product: Callable[..., Product], sandbox: Sandbox
) -> None:
    """Even another key of the same account reads with itself."""
    product = open_product()
    for key, studios in (
        (SANDBOX_KEY, OWNED),
        (ANOTHER_ACCOUNT_KEY, ["studio_99"]),
        (narrow(sandbox), OWNED),
    ):
        async with client_of(product.server(key)) as client:
            assert await ids(client) == studios
    assert [it.key_name for it in sandbox.requests] == ["full", "other", "narrow"]


async def test_a_failure_is_not_kept_and_does_not_bring_back_an_old_list(
    server: Server[Any], sandbox: Sandbox, clock: HandClock
) -> None:
    """A revoked key gets nothing after half a minute. A key that works again gets its list."""
    async with client_of(server) as client:
        await ids(client)
        clock.advance(30)
        sandbox.faults.add(Fault.error(401, "invalid_key"), times=2)
        for _ in range(2):
            assert await ids(client) == []
        assert await ids(client) == OWNED
    assert asked(sandbox) == {STUDIOS: 4}


async def test_requests_at_the_same_time_share_one_read(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """Five do not wait five times."""
    held = anyio.Event()
    sandbox.faults.add(Fault.delay(held))
    answers: list[object] = []

    async def ask(client: mcp.Client) -> None:
        answers.append(await ids(client))

    with anyio.fail_after(PATIENCE_SECONDS):
        async with client_of(server) as client:
            async with anyio.create_task_group() as asking:
                for _ in range(5):
                    asking.start_soon(ask, client)
                await settled()
                assert answers == []
                held.set()
            assert answers == [OWNED] * 5
            assert asked(sandbox) == {STUDIOS: 1}
