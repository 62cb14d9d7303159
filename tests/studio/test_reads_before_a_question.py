"""What is read before a person is asked: each thing once, all at a time, and what cannot be read.

Consent to what was read is tested in `tests/consent/test_consent_facts`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import anyio
import mcp
import pytest

from tests.conftest import call
from tests.support.fact_reads import (
    ACCOUNTS,
    HEALTH,
    PLACES,
    STUDIOS,
    asked,
    enable_many,
    narrow,
)
from tests.support.operation_table import TABLE
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import frozen_sandbox, put_on_air
from tests.support.product.server import Product
from tests.support.product.virtual_time import in_virtual_time
from tests.world.wire import MODERN

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox

Json = dict[str, Any]

SHOW: Final = {"studioId": "studio_42"}
READS: Final = {entry.tool: entry.reads for entry in TABLE if entry.reads}
"""By tool that changes something: what is read before its question."""
ARGUMENTS: Final = {entry.tool: entry.arguments(entry.examples[0]) for entry in TABLE}


async def answer(server: Server[Any], tool: str, **more: str) -> Json:
    """The answer to a guarded call without a yes."""
    return (await call(server, tool, {**ARGUMENTS[tool], **more})).structured_content or {}


async def preview(server: Server[Any], tool: str) -> Json:
    """What is shown before a guarded call."""
    shown: Json = (await answer(server, tool))["preview"]
    return shown


# Requests


@pytest.mark.parametrize("tool", READS)
async def test_each_thing_is_read_once(
    open_product: Callable[..., Product], sandbox: Sandbox, tool: str
) -> None:
    """What the question does not show is not read. Some are asked only as the operator wishes."""
    shown = await preview(open_product(TRAX_GUARD_ALSO=",".join(READS)).server(), tool)
    assert asked(sandbox) == Counter(READS[tool])
    assert shown["unknown"] == []


@pytest.mark.parametrize("tool", ["go_live", "go_offline"])
async def test_a_list_is_read_to_its_end(server: Server[Any], sandbox: Sandbox, tool: str) -> None:
    """Each page is as large as TRaX allows, and what is on the third page is named."""
    enable_many(sandbox, 400)
    put_on_air(sandbox, "studio_42" if tool == "go_offline" else "studio_43")
    shown = await preview(server, tool)
    assert '"dest_9399" ("custom")' in str(shown["effects"])
    pages = [it for it in sandbox.requests if it.path == PLACES]
    assert [it.query["limit"] for it in pages] == ["200"] * 3
    assert len({it.query.get("cursor") for it in pages}) == 3


async def test_unlinking_shows_where_the_account_may_be_in_use(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """In each studio, and whether that is live."""
    put_on_air(sandbox, "studio_51")
    shown = await preview(server, "unlink_connection")
    assert shown["warnings"] == [
        '"Main channel" (YouTube) in "Friday Night Show" may stop working.',
        '"Shorts" (YouTube, portrait) in "Morning Coffee", which is on air, may stop working.',
    ]


@pytest.mark.parametrize(("count", "is_all"), [(10, True), (11, False), (250, False)])
async def test_details_of_ten_studios_at_most_are_read(
    server: Server[Any], sandbox: Sandbox, *, count: int, is_all: bool
) -> None:
    """Further studios are unknown."""
    sandbox.remove_all("studios")
    for number in range(count):
        sandbox.add_studio("N", record_id=f"studio_{number:03}")
    shown = await preview(server, "unlink_connection")
    assert shown["unknown"] == ([] if is_all else ["other studios (only the first 10 were read)"])
    assert asked(sandbox)[STUDIOS] == (2 if count > 200 else 1)
    assert asked(sandbox).total() == 2 + asked(sandbox)[STUDIOS] + 20


# What cannot be read


@pytest.mark.parametrize(
    "needed",
    [("stream:read", "whether the studio is live"), ("destinations:read", "the destinations")],
)
async def test_what_the_key_may_not_read_is_unknown_in_the_order_of_the_question(
    open_product: Callable[..., Product], sandbox: Sandbox, needed: tuple[str, str]
) -> None:
    """Each names the missing scope, and no request is sent twice."""
    scopes = {
        "studios:read": "the studio's name",
        **dict([needed]),
        "sources:read": "the sources",
        "connections:read": "the linked accounts",
    }
    shown = await preview(open_product().server(narrow(sandbox, *scopes)), "go_live")
    assert shown["unknown"] == [f"{what} (the key lacks {it})" for it, what in scopes.items()]
    assert asked(sandbox) == Counter(READS["go_live"])


@pytest.mark.parametrize(
    ("scope", "unknown", "reads"),
    [
        ("stream:read", "whether the studio is live", READS["unlink_connection"]),
        ("studios:read", "the studios", (ACCOUNTS, STUDIOS, HEALTH)),
    ],
)
async def test_what_is_unknown_of_several_studios_is_told_once(
    open_product: Callable[..., Product],
    sandbox: Sandbox,
    *,
    scope: str,
    unknown: str,
    reads: tuple[str, ...],
) -> None:
    """Without a list of studios, nothing is asked about them."""
    shown = await preview(open_product().server(narrow(sandbox, scope)), "unlink_connection")
    assert shown["unknown"] == [f"{unknown} (the key lacks {scope})"]
    assert asked(sandbox) == Counter(reads)


async def test_a_temporary_failure_in_one_of_several_studios_fails_the_call(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """The other studios do not hide it."""
    sandbox.faults.add(Fault.status(502), times=None, path="/v1/studios/studio_5*/*")
    assert (await answer(server, "unlink_connection"))["error"]["code"] == "bad_answer"


# A stop


async def test_a_stop_sends_each_request_once_and_treats_failures_as_unknown(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """The question can be asked without them."""
    sandbox.faults.add(Fault.status(502), times=None)
    shown = await preview(server, "go_offline")
    assert [it.partition(" (")[2] for it in shown["unknown"]] == ["TRaX didn't say)"] * 3
    assert asked(sandbox) == Counter(READS["go_offline"])


@pytest.mark.parametrize("page", [0, 1])
@in_virtual_time
async def test_a_stop_waits_two_seconds_for_what_it_shows(page: int) -> None:
    """Further pages are within the same time. What came in time is known."""
    sandbox = frozen_sandbox()
    enable_many(sandbox, 400)
    if page:
        sandbox.faults.add(Fault.delay(0), times=page, path=PLACES)
    sandbox.faults.add(Fault.silence(), times=None, path=PLACES)
    began = anyio.current_time()
    async with mcp.Client(Product(sandbox).server(), mode=MODERN, cache=None) as client:
        result = await client.call_tool("go_offline", SHOW)
    assert anyio.current_time() - began == 2
    shown = (result.structured_content or {})["preview"]
    assert shown["unknown"] == ["the destinations (TRaX didn't say)"]
    assert shown["target"]["name"] == "Friday Night Show"
    assert asked(sandbox)[PLACES] == page + 1
