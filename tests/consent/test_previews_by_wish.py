"""A caller over HTTP may ask for previews for itself, by a header and by nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.support.guarded_calls import GO_LIVE
from tests.support.simulated_person import Person, agreeing
from tests.world.answers import audit_lines
from tests.world.wire import FORMS, MODERN, read_answer, request
from tests.world.world import MINE, Over, open_world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.world.wire import HttpWire


@pytest.mark.parametrize("wish", ["preview", "PREVIEW"])
async def test_a_caller_that_asks_for_previews_is_shown_them(
    wish: str, tmp_path: Path, era: str
) -> None:
    """Each caller for itself, and the audit log says so."""
    path = tmp_path / "audit.jsonl"
    async with open_world(over=Over.HTTP, era=era, TRAX_AUDIT_LOG=str(path)) as it:
        wishing = await it.wire(forms=True, x_trax_ask=wish)
        shown = (await wishing.call(GO_LIVE.tool, **GO_LIVE.arguments))["structuredContent"]
        assert shown["status"] == "confirmation_required"
        it.hand_clock.advance(5)
        evidence = {"confirm": True, "confirmation": shown["confirmation"]}
        await wishing.call(GO_LIVE.tool, **GO_LIVE.arguments, **evidence)
        assert it.sent == [GO_LIVE.sent]
    assert {line["askedBy"] for line in audit_lines(path)} == {"caller"}


async def kind_of_answer(wire: HttpWire, **meta: object) -> str:
    """Whether a client with forms is to ask, or has a result."""
    params = {"name": GO_LIVE.tool, "arguments": {**GO_LIVE.arguments}}
    message = request(MODERN, "tools/call", params, capabilities=FORMS)
    message["params"]["_meta"] |= meta
    return str(read_answer(await wire.post(message))["result"]["resultType"])


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        ({"TRAX_ASK": "form,panel,page"}, "preview"),
        ({}, "form"),
        ({}, "previews"),
        ({}, ""),
    ],
)
async def test_another_wish_or_one_that_the_operator_does_not_allow_changes_nothing(
    settings: dict[str, Any], header: str, tmp_path: Path
) -> None:
    path = tmp_path / "audit.jsonl"
    async with open_world(over=Over.HTTP, era=MODERN, TRAX_AUDIT_LOG=str(path), **settings) as it:
        assert await kind_of_answer(await it.wire(x_trax_ask=header)) == "input_required"
    assert [line for line in audit_lines(path) if "askedBy" in line] == []


@pytest.mark.parametrize(
    "meta",
    [
        {"X-Trax-Ask": "preview"},
        {"x-trax-ask": "preview"},
        {"live.traxstreaming/ask": "preview"},
        {"headers": {"X-Trax-Ask": "preview"}},
    ],
    ids=str,
)
async def test_no_model_can_ask_for_previews_by_meta(meta: dict[str, Any]) -> None:
    async with open_world(over=Over.HTTP, era=MODERN) as it:
        assert await kind_of_answer(await it.wire(), **meta) == "input_required"


@pytest.mark.parametrize("name", ["ask", "x_trax_ask", "X-Trax-Ask"])
async def test_no_model_can_ask_for_previews_by_an_argument(name: str) -> None:
    person = Person(agreeing)
    async with open_world(MINE, person=person) as it:
        result = await it[MINE].call(GO_LIVE, **{name: "preview"})
        assert result.is_error
        assert it.sent == []


async def test_on_stdio_there_is_no_such_wish() -> None:
    person, wish = Person(agreeing), cast("Any", {"X-Trax-Ask": "preview"})
    async with open_world(over=Over.STDIO, era=MODERN, TRAX_SANDBOX="1") as it:
        caller = await it.caller(person=person)
        asked = await caller.client.session.call_tool(
            GO_LIVE.tool,
            {**GO_LIVE.arguments},
            meta=wish,
            allow_input_required=True,
        )
        assert asked.result_type == "input_required"
