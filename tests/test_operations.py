"""Each operation is the contract's call: judged in both directions, and as the HTTP that it sends.

What the contract knows and we lack, what we take and it does not know, is a failure here or at
import; the one deliberate difference is data with its reason.
"""

from __future__ import annotations

import re
from typing import Final

import pytest
from pydantic import Field, SecretStr, ValidationError

from tests.calls import STREAM_KEY
from tests.schemas import kind_of
from trax_mcp.api.contract import CONTRACT
from trax_mcp.api.models import Model, Ok, OpenapiDocument, Studio
from trax_mcp.api.operation import Operation, Request
from trax_mcp.api.operations import (
    OPERATIONS,
    CreateDestination,
    CreateMediaUpload,
    CreateSource,
    CreateStudio,
    DeleteDestination,
    DeleteSource,
    GetHealth,
    GetOpenapi,
    GetStreamStatus,
    GetStudio,
    GoLive,
    GoOffline,
    ListChatMessages,
    ListConnections,
    ListDestinations,
    ListMedia,
    ListSources,
    ListStudios,
    SendChatMessage,
    UnlinkConnection,
    UpdateDestination,
    UpdateSource,
    UpdateStudio,
)
from trax_mcp.api.tool_input import RENAMED, Effect, ToolInput

REQUESTS: Final[dict[Operation[Model], Request]] = {
    GetHealth(): Request("GET", "/v1/health", {}),
    GetOpenapi(): Request("GET", "/v1/openapi.json", {}),
    ListStudios(): Request("GET", "/v1/studios", {}),
    ListStudios(cursor="YWZ0", limit=500): Request(
        "GET", "/v1/studios", {"cursor": "YWZ0", "limit": "500"}
    ),
    CreateStudio(name="Late Show"): Request("POST", "/v1/studios", {}, {"name": "Late Show"}),
    GetStudio(studio_id="studio_42"): Request("GET", "/v1/studios/studio_42", {}),
    UpdateStudio(
        studio_id="s", name="N", auto_go_live=True, auto_go_offline_on_drop=False
    ): Request(
        "PATCH",
        "/v1/studios/s",
        {},
        {"name": "N", "autoGoLive": True, "autoGoOfflineOnDrop": False},
    ),
    ListDestinations(studio_id="s", cursor="c", limit=1): Request(
        "GET", "/v1/studios/s/destinations", {"cursor": "c", "limit": "1"}
    ),
    CreateDestination(
        studio_id="s",
        name="N",
        platform="kick",
        rtmp_url="rtmps://x/app",
        stream_key=SecretStr(STREAM_KEY),
        enabled=False,
        vertical=True,
    ): Request(
        "POST",
        "/v1/studios/s/destinations",
        {},
        {
            "name": "N",
            "platform": "kick",
            "rtmpUrl": "rtmps://x/app",
            "streamKey": STREAM_KEY,
            "enabled": False,
            "vertical": True,
        },
    ),
    CreateDestination(studio_id="s", name="N", platform="kick", connection_id="conn_1"): Request(
        "POST",
        "/v1/studios/s/destinations",
        {},
        {"name": "N", "platform": "kick", "connectionId": "conn_1"},
    ),
    UpdateDestination(
        studio_id="s", dest_id="d", stream_key=SecretStr(STREAM_KEY), enabled=False
    ): Request(
        "PATCH",
        "/v1/studios/s/destinations/d",
        {},
        {"streamKey": STREAM_KEY, "enabled": False},
    ),
    DeleteDestination(studio_id="s", dest_id="d"): Request(
        "DELETE", "/v1/studios/s/destinations/d", {}
    ),
    ListSources(studio_id="s"): Request("GET", "/v1/studios/s/sources", {}),
    CreateSource(studio_id="s", name="N", type="rtmp", url="rtmp://x", active=False): Request(
        "POST",
        "/v1/studios/s/sources",
        {},
        {"name": "N", "type": "rtmp", "url": "rtmp://x", "active": False},
    ),
    UpdateSource(studio_id="s", source_id="c", active=True): Request(
        "PATCH", "/v1/studios/s/sources/c", {}, {"active": True}
    ),
    DeleteSource(studio_id="s", source_id="c"): Request("DELETE", "/v1/studios/s/sources/c", {}),
    GetStreamStatus(studio_id="s"): Request("GET", "/v1/studios/s/stream-status", {}),
    GoLive(studio_id="s"): Request("POST", "/v1/studios/s/go-live", {}),
    GoOffline(studio_id="s"): Request("POST", "/v1/studios/s/go-offline", {}),
    ListChatMessages(studio_id="s", limit=2): Request(
        "GET", "/v1/studios/s/chat/messages", {"limit": "2"}
    ),
    SendChatMessage(studio_id="s", text="Hi", platforms=("twitch", "kick")): Request(
        "POST", "/v1/studios/s/chat/messages", {}, {"text": "Hi", "platforms": ["twitch", "kick"]}
    ),
    SendChatMessage(studio_id="s", text="Hi", platforms=()): Request(
        "POST", "/v1/studios/s/chat/messages", {}, {"text": "Hi", "platforms": []}
    ),
    ListConnections(limit=200): Request("GET", "/v1/connections", {"limit": "200"}),
    UnlinkConnection(connection_id="conn_1"): Request("DELETE", "/v1/connections/conn_1", {}),
    ListMedia(cursor="c"): Request("GET", "/v1/media", {"cursor": "c"}),
    CreateMediaUpload(
        filename="a.mp4", content_type="video/mp4", byte_size=0, folder="Openers"
    ): Request(
        "POST",
        "/v1/media",
        {},
        {"filename": "a.mp4", "contentType": "video/mp4", "byteSize": 0, "folder": "Openers"},
    ),
}
"""Every operation, with all of its arguments or the telling ones, and the HTTP it stands for."""

by_operation = pytest.mark.parametrize("kind", OPERATIONS, ids=lambda kind: str(kind.tool_name))
ANSWERS: Final = sorted({kind.__name__: kind for kind in Model.__subclasses__()}.items())


def test_each_documented_call_is_one_operation() -> None:
    """None is missing, none is there twice."""
    assert sorted(kind.call.name for kind in OPERATIONS) == sorted(CONTRACT.calls)


def test_no_operation_is_left_out_of_the_list() -> None:
    """Whatever subclasses `Operation` in its module is offered."""
    written = {
        kind
        for bound in Operation.__subclasses__()
        for kind in bound.__subclasses__()
        if kind.__module__ == "trax_mcp.api.operations"
    }
    assert written == set(OPERATIONS)


@by_operation
def test_its_name_is_the_class_in_snake_case(kind: type[Operation[Model]]) -> None:
    """`GoLive` is `go_live`: the imperative of what it does."""
    assert "".join(word.capitalize() for word in kind.tool_name.split("_")) == kind.__name__


@by_operation
def test_arguments_are_the_contracts_fields(kind: type[Operation[Model]]) -> None:
    """All of them, under the contract's names and the one new name, and required alike."""
    wanted = {RENAMED.get(name, name): it.required for name, it in kind.call.fields.items()}
    assert {str(it.alias): it.is_required() for it in kind.model_fields.values()} == wanted


@by_operation
def test_argument_types_are_the_contracts(kind: type[Operation[Model]]) -> None:
    """A string is a string and a list is a list, as the contract's body or parameter says."""
    properties = kind.model_json_schema()["properties"]
    wanted = {RENAMED.get(name, name): it.type for name, it in kind.call.fields.items()}
    assert {name: kind_of(it).replace("string[]", "array") for name, it in properties.items()} == (
        wanted
    )


def test_the_only_new_name_is_the_studio_s() -> None:
    """`id` in a path is always a studio's, so one name means one thing."""
    assert RENAMED == {"id": "studioId"}
    id_paths = {call.path for call in CONTRACT.calls.values() if "id" in call.fields}
    assert all(path.startswith("/v1/studios/{id}") for path in id_paths)


@by_operation
def test_the_answers_model_is_the_contracts_schema(kind: type[Operation[Model]]) -> None:
    """The class line names the schema of the call's success."""
    answer = kind.answer_model()
    documented = kind.call.answer.get("$ref", "#/OpenapiDocument").rpartition("/")[2]
    assert answer.__name__ == documented
    assert (answer is OpenapiDocument) == (kind is GetOpenapi)


@pytest.mark.parametrize(("name", "model"), ANSWERS)
def test_a_models_fields_are_the_schemas(name: str, model: type[Model]) -> None:
    """Exactly its fields, of its types, and required alike; an object without fields has none."""
    if model is OpenapiDocument:
        assert not model.model_fields
        return
    documented, ours = CONTRACT.schemas[name], model.model_json_schema()
    kinds = {field: kind_of(it) for field, it in documented["properties"].items()}
    assert {field: kind_of(it) for field, it in ours["properties"].items()} == kinds
    assert set(ours["required"]) == set(documented["required"])


def test_a_model_keeps_what_it_does_not_know() -> None:
    """Fields and enum values that TRaX may add are no error, and are not lost."""
    sent = {"id": "s", "name": "N", "ownerSub": "o", "role": "COHOST", "colour": {"hue": 12}}
    studio = Studio.model_validate(sent)
    assert studio.model_dump(by_alias=True, exclude_unset=True) == sent


@pytest.mark.parametrize("operation", REQUESTS, ids=lambda operation: str(operation.tool_name))
def test_it_stands_for_exactly_this_request(operation: Operation[Model]) -> None:
    """Method, path, query and body, whole."""
    assert operation.request() == REQUESTS[operation]


def test_no_operation_is_missing_from_that_table() -> None:
    """Each kind stands in it at least once."""
    assert {type(operation) for operation in REQUESTS} == set(OPERATIONS)


@pytest.mark.parametrize(
    ("operation", "target"),
    [
        (GetHealth(), ""),
        (CreateStudio(name="N"), ""),
        (GoLive(studio_id="s"), "s"),
        (DeleteSource(studio_id="s", source_id="c"), "c"),
        (UnlinkConnection(connection_id="conn_1"), "conn_1"),
    ],
)
def test_its_target_is_the_last_id_in_the_path(operation: Operation[Model], target: str) -> None:
    """What a person must be told that they are about to touch."""
    assert operation.target() == target


@by_operation
def test_a_change_names_the_reading_tool_that_shows_it(kind: type[Operation[Model]]) -> None:
    """`verify_with` is a read that needs nothing that the change does not know."""
    assert kind.call.mutates is (kind.effect is not Effect.READ) is (kind.verify_with is not None)
    if kind.verify_with is not None:
        seer = next(other for other in OPERATIONS if other.tool_name == kind.verify_with)
        required = {name for name, it in seer.call.fields.items() if it.required}
        assert seer.effect is Effect.READ
        assert required <= kind.call.fields.keys()


def test_quoting_a_call_that_is_not_documented_fails_at_import() -> None:
    """There is no studio delete, so nobody can write one."""
    with pytest.raises(KeyError, match=re.escape("DELETE /v1/studios/{id}")):

        class DeleteStudio(
            Operation[Ok],
            call="DELETE /v1/studios/{id}",
            effect=Effect.GUARDED,
            verify_with=GetStudio,
        ):
            """Does not exist."""

            studio_id: str


def test_an_operation_without_a_declared_effect_does_not_import() -> None:
    """Nobody can forget to say what a call can do."""
    with pytest.raises(TypeError, match="GoLiveAgain must quote its call and declare its effect"):

        class GoLiveAgain(Operation[Ok], call="POST /v1/studios/{id}/go-live"):
            """Says nothing of its effect."""

            studio_id: str


def test_an_operation_without_a_quoted_call_does_not_import() -> None:
    """Nobody can make up a call."""
    with pytest.raises(TypeError, match="MakeCoffee must quote its call and declare its effect"):

        class MakeCoffee(Operation[Ok], effect=Effect.WRITE):
            """Says nothing of its call."""


def test_what_is_beyond_the_contract_stands_on_a_call_of_it() -> None:
    """The same holds for a tool that makes several calls, but that it takes what it likes."""
    with pytest.raises(KeyError, match=re.escape("GET /v1/viewers")):

        class CountViewers(ToolInput, call="GET /v1/viewers", effect=Effect.READ):
            """Does not exist."""

    with pytest.raises(TypeError, match="CountViewers must quote its call and declare its effect"):

        class CountViewers(ToolInput, call="GET /v1/studios"):  # type: ignore[no-redef]
            """Says nothing of its effect."""

    with pytest.raises(TypeError, match="CountViewers: nobody describes `since`"):

        class CountViewers(ToolInput, call="GET /v1/studios", effect=Effect.READ):  # type: ignore[no-redef]
            """Describes nothing."""

            since: str


@pytest.mark.parametrize(
    ("call", "effect", "verify_with"),
    [
        ("POST /v1/studios/{id}/go-live", Effect.GUARDED, None),
        ("POST /v1/studios/{id}/go-live", Effect.READ, None),
        ("GET /v1/studios/{id}", Effect.WRITE, GetStudio),
        ("GET /v1/studios/{id}", Effect.READ, GetStudio),
    ],
)
def test_effect_method_and_seer_must_agree(
    call: str, effect: Effect, verify_with: type[Operation[Model]] | None
) -> None:
    """A change that nobody can see, a GET that writes: neither imports."""
    with pytest.raises(TypeError, match="the effect, the method and `verify_with` must agree"):

        class Contradiction(Operation[Ok], call=call, effect=effect, verify_with=verify_with):
            """Contradicts itself."""

            studio_id: str


def test_an_argument_of_no_documented_field_does_not_import() -> None:
    """What TRaX does not take cannot be offered."""
    with pytest.raises(TypeError, match=re.escape("GET /v1/health takes no `verbose`")):

        class AskMore(Operation[Ok], call="GET /v1/health", effect=Effect.READ):
            """Takes too much."""

            verbose: bool | None = Field(None, description="Say more.")


def test_an_argument_that_nobody_describes_does_not_import() -> None:
    """`name` has no words in the contract, so we must have some."""
    with pytest.raises(TypeError, match="Unsaid: nobody describes `name`"):

        class Unsaid(
            Operation[Studio], call="POST /v1/studios", effect=Effect.WRITE, verify_with=ListStudios
        ):
            """Describes nothing."""

            name: str


@pytest.mark.parametrize(
    "operation",
    [
        CreateDestination(
            studio_id="s",
            name="N",
            platform="kick",
            rtmp_url="rtmps://x",
            stream_key=SecretStr(STREAM_KEY),
        ),
        UpdateDestination(studio_id="s", dest_id="d", stream_key=SecretStr(STREAM_KEY)),
    ],
    ids=["create", "update"],
)
def test_a_stream_key_is_sent_and_never_printed(operation: Operation[Model]) -> None:
    """It stands in the body alone: no repr, str, dump or log line of the value shows it."""
    request = operation.request()
    assert (request.body or {})["streamKey"] == STREAM_KEY
    printed = (repr(operation), str(operation), operation.model_dump_json(), repr(request))
    assert [text for text in printed if STREAM_KEY in text] == []


def test_a_refused_value_is_not_repeated_in_the_refusal() -> None:
    """It might be a secret in the wrong place."""
    given = {"studioId": "s", "destId": "d", "platform": ["", STREAM_KEY], STREAM_KEY[:4]: "x"}
    with pytest.raises(ValidationError) as caught:
        UpdateDestination.model_validate(given)
    assert STREAM_KEY not in str(caught.value)


def test_an_operation_is_a_value() -> None:
    """Equal by content, usable as a key, and never changed after it was checked."""
    assert GoLive(studio_id="s") == GoLive(studio_id="s")
    assert len({GoLive(studio_id="s"), GoLive(studio_id="s"), GoLive(studio_id="t")}) == 2
    with pytest.raises(ValidationError, match="frozen"):
        GoLive(studio_id="s").studio_id = "t"  # type: ignore[misc]
