"""A declaration that contradicts the contract does not import, and an operation is a value."""

from __future__ import annotations

from typing import Any, Final

import pytest
from pydantic import Field, SecretStr, ValidationError

from trax_mcp.actions.destinations import UpdateDestination
from trax_mcp.actions.stream import GoLive
from trax_mcp.api.models import Model, Studio
from trax_mcp.api.operation import Effect, Operation, ToolInput, When
from trax_mcp.api.reads import GetStudio, ListStudios

STREAM_KEY: Final = "live-4711-do-not-print"
INCOMPLETE: Final = "must name its endpoint and declare its effect and hint"
GO_LIVE: Final = "POST /v1/studios/{id}/go-live"
GET_STUDIO: Final = "GET /v1/studios/{id}"
READS: Final = {"effect": Effect.READ, "hint": "Reads."}


def declare(base: Any, declared: dict[str, Any], **fields: Any) -> None:  # noqa: ANN401  any class
    """Declare a class `Made` with these class arguments and fields."""
    members = {"__annotations__": dict.fromkeys(fields, str), "__module__": __name__, **fields}
    type(base)("Made", (base,), members, **declared)


@pytest.mark.parametrize("base", [Operation[Model], ToolInput], ids=["operation", "tool"])
def test_a_tool_without_a_documented_call_an_effect_and_a_hint_does_not_import(base: type) -> None:
    """A call cannot be invented, and the danger of a call cannot be forgotten."""
    with pytest.raises(KeyError, match=r"DELETE /v1/studios/\{id\}"):
        declare(base, {"endpoint": "DELETE /v1/studios/{id}", **READS})
    whole: dict[str, object] = {"endpoint": GET_STUDIO, **READS}
    for lacking in whole:
        with pytest.raises(TypeError, match=f"Made {INCOMPLETE}"):
            declare(base, {name: it for name, it in whole.items() if name != lacking})
    with pytest.raises(TypeError, match=f"Made {INCOMPLETE}"):
        declare(base, {**whole, "hint": ""})


@pytest.mark.parametrize(
    ("endpoint", "effect", "shown_by"),
    [
        (GO_LIVE, Effect.GUARDED, None),
        (GO_LIVE, Effect.READ, None),
        (GET_STUDIO, Effect.WRITE, GetStudio),
        (GET_STUDIO, Effect.READ, GetStudio),
    ],
)
def test_an_operation_that_contradicts_its_method_does_not_import(
    endpoint: str, effect: Effect, shown_by: type[Operation[Model]] | None
) -> None:
    """A change without a read that shows it is one, and a GET that writes is another."""
    declared = {"endpoint": endpoint, "effect": effect, "shown_by": shown_by, "hint": "Does both."}
    with pytest.raises(TypeError, match="effect, method and `shown_by` must agree"):
        declare(Operation[Model], declared)


def test_consent_is_declared_for_arguments_of_a_change() -> None:
    """A call that always needs a yes needs none of its own for an argument, and a read none."""
    change = {"endpoint": "POST /v1/studios", "shown_by": ListStudios, "hint": "Creates one."}
    for declared, consent, problem in (
        (
            {**change, "effect": Effect.WRITE},
            {"title": When.ALWAYS},
            r"`consent` names \['title'\]",
        ),
        ({**change, "effect": Effect.GUARDED}, {"name": When.ALWAYS}, "only a WRITE"),
        ({"endpoint": GET_STUDIO, **READS}, {"studioId": When.ALWAYS}, "only a WRITE"),
    ):
        with pytest.raises(TypeError, match=problem):
            declare(Operation[Studio], {**declared, "consent": consent})


def test_an_argument_is_documented_and_described() -> None:
    """A tool offers no argument that TRaX does not take. The contract describes no `name`."""
    with pytest.raises(TypeError, match="GET /v1/health takes no `verbose`"):
        declare(
            Operation[Model],
            {"endpoint": "GET /v1/health", **READS},
            verbose=Field(description="V."),
        )
    create = {"endpoint": "POST /v1/studios", "effect": Effect.WRITE, "shown_by": ListStudios}
    with pytest.raises(TypeError, match="Made: `name` has no description"):
        declare(Operation[Studio], {**create, "hint": "Creates one."}, name=Field())


def test_a_stream_key_is_sent_and_never_printed() -> None:
    """Only the body holds it. No repr, str or dump of the operation or the request shows it."""
    operation = UpdateDestination(studio_id="s", dest_id="d", stream_key=SecretStr(STREAM_KEY))
    request = operation.request()
    assert (request.body or {})["streamKey"] == STREAM_KEY
    printed = (repr(operation), str(operation), operation.model_dump_json(), repr(request))
    assert [text for text in printed if STREAM_KEY in text] == []


def test_a_refused_value_is_not_repeated_in_the_refusal() -> None:
    given = {"studioId": "s", "destId": "d", "platform": ["", STREAM_KEY], STREAM_KEY[:4]: "x"}
    with pytest.raises(ValidationError) as caught:
        UpdateDestination.model_validate(given)
    assert STREAM_KEY not in str(caught.value)


def test_an_operation_is_a_value() -> None:
    """It is equal by content, can be a key, and does not change after it was checked."""
    assert len({GoLive(studio_id="s"), GoLive(studio_id="s"), GoLive(studio_id="t")}) == 2
    with pytest.raises(ValidationError, match="frozen"):
        GoLive(studio_id="s").studio_id = "t"  # type: ignore[misc]
