"""Each operation is a call of the contract, compared both ways, and as the HTTP that it sends.

A call or field that only one side has is a failure, here or at import. The one deliberate
difference is a table with its reason.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest
from pydantic import Field, SecretStr, ValidationError

from tests import ROOT
from tests.support.json_schemas import kind_of
from tests.support.operation_table import EXAMPLES, STREAM_KEY
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.api.argument_types import LARGEST_PAGE
from trax_mcp.api.contract import CONTRACT
from trax_mcp.api.models import Item, Model, Ok, OpenapiDocument, Page, Studio
from trax_mcp.api.operation import ListOperation, Operation
from trax_mcp.api.operations import (
    OPERATIONS,
    CreateDestination,
    CreateStudio,
    DeleteSource,
    GetHealth,
    GetOpenapi,
    GetStudio,
    GoLive,
    ListStudios,
    UnlinkConnection,
    UpdateDestination,
)
from trax_mcp.api.tool_input import RENAMED, Effect, ToolInput
from trax_mcp.chat.wait import WaitForChatMessages
from trax_mcp.studio.overview_reader import CheckStudio
from trax_mcp.studio.search import FindStudio
from trax_mcp.uploads.upload import UploadMedia

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUESTS: Final = {it.operation: entry.request(it) for entry, it in EXAMPLES}
"""Every operation, with all of its arguments, and the HTTP request that it must become."""


def schema_name(model: type[Model]) -> str:
    """The name of a model's schema in the contract: `StudioList` for `Page[Studio]`."""
    generic = model.__pydantic_generic_metadata__
    return f"{generic['args'][0].__name__}List" if generic["args"] else model.__name__


ANSWERS: Final = {
    schema_name(it): it
    for it in (
        *(it for it in Model.__subclasses__() if it not in {Item, Page}),
        *Item.__subclasses__(),
        *(kind.answer_model() for kind in OPERATIONS),
    )
}
"""Every model of an answer and every page of a list, by the name of its schema."""


def test_each_documented_call_is_one_operation() -> None:
    """No call is missing, and no call is there twice."""
    assert sorted(kind.call.name for kind in OPERATIONS) == sorted(CONTRACT.calls)


def test_no_operation_is_left_out_of_the_list() -> None:
    """Every subclass of `Operation` in its module is offered."""
    written = {it for it in _subclasses(Operation) if it.__module__ == "trax_mcp.api.operations"}
    assert {it for it in written if "[" not in it.__name__} == set(OPERATIONS)


def _subclasses(kind: type) -> Iterator[type]:
    inner: type
    for inner in kind.__subclasses__():
        yield inner
        yield from _subclasses(inner)


def test_a_tool_is_named_after_its_class() -> None:
    """`GoLive` is `go_live`."""
    for kind in OPERATIONS:
        assert "".join(word.capitalize() for word in kind.tool_name.split("_")) == kind.__name__


def test_arguments_are_the_contracts_fields() -> None:
    """They have the contract's names, except for the one new name, and are required alike."""
    assert {
        kind: {str(it.alias): it.is_required() for it in kind.model_fields.values()}
        for kind in OPERATIONS
    } == {
        kind: {RENAMED.get(name, name): it.required for name, it in kind.call.fields.items()}
        for kind in OPERATIONS
    }


def test_argument_types_are_the_contracts() -> None:
    """A string is a string and a list is a list, in bodies and in parameters."""
    for kind in OPERATIONS:
        properties = kind.model_json_schema()["properties"].items()
        types = {name: kind_of(it).replace("string[]", "array") for name, it in properties}
        fields = kind.call.fields.items()
        assert types == {RENAMED.get(name, name): it.type for name, it in fields}, kind


def test_only_the_id_of_a_studio_has_a_new_name() -> None:
    """`id` in a path is always the id of a studio, so one name means one thing."""
    assert RENAMED == {"id": "studioId"}
    id_paths = {call.path for call in CONTRACT.calls.values() if "id" in call.fields}
    assert all(path.startswith("/v1/studios/{id}") for path in id_paths)


def test_the_answers_model_is_the_contracts_schema() -> None:
    """The class line names the schema of a successful answer, or the items of a list."""
    for kind in OPERATIONS:
        answer = kind.answer_model()
        documented = kind.call.answer.get("$ref", "#/OpenapiDocument").rpartition("/")[2]
        assert schema_name(answer) == documented, kind
        assert (answer is OpenapiDocument) == (kind is GetOpenapi)


def test_the_model_of_a_page_is_built_once() -> None:
    """Pydantic forgets it if nobody holds it. In this process, other tests do."""
    script = (
        "import gc, weakref; from trax_mcp.api.operations import OPERATIONS;"
        "models = [weakref.ref(it.answer_model()) for it in OPERATIONS]; gc.collect();"
        "print([it() for it in models].count(None))"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    assert done.stdout.strip() == "0"


def test_a_list_with_a_cursor_can_be_read_page_by_page() -> None:
    """The contract has a `cursor` for exactly these, and each page is as large as TRaX allows."""
    lists = {kind for kind in OPERATIONS if issubclass(kind, ListOperation)}
    assert lists == {kind for kind in OPERATIONS if "cursor" in kind.call.fields}
    examples = [it for it in REQUESTS if isinstance(it, ListOperation)]
    assert {type(it) for it in examples} == lists
    for operation in examples:
        query = operation.next_page("page-2").request().query
        assert query == {"cursor": "page-2", "limit": str(LARGEST_PAGE)}
        assert operation.next_page(None).request().query == {"limit": "200"}


def test_a_models_fields_are_the_schemas() -> None:
    """They have the same types and are required alike. An object without fields has none."""
    assert not OpenapiDocument.model_fields
    for name, model in ANSWERS.items():
        if model is not OpenapiDocument:
            documented, ours = CONTRACT.schemas[name], model.model_json_schema()
            kinds = {field: kind_of(it) for field, it in documented["properties"].items()}
            assert {field: kind_of(it) for field, it in ours["properties"].items()} == kinds, name
            assert set(ours["required"]) == set(documented["required"]), name


def test_a_model_keeps_unknown_fields_and_values() -> None:
    """TRaX may add them at any time."""
    sent = {"id": "s", "name": "N", "ownerSub": "o", "role": "COHOST", "colour": {"hue": 12}}
    studio = Studio.model_validate(sent)
    assert studio.model_dump(by_alias=True, exclude_unset=True) == sent


def test_an_operation_becomes_exactly_one_request() -> None:
    """Method, path, query and body are compared as a whole."""
    assert {it: it.request() for it in REQUESTS} == REQUESTS


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
def test_a_target_is_the_last_id_in_the_path(operation: Operation[Model], target: str) -> None:
    """A person is told about this thing before they agree."""
    assert operation.target_id() == target


def test_a_change_names_the_reading_tool_that_shows_it() -> None:
    """The arguments of the change are enough to call it."""
    by_name = {kind.tool_name: kind for kind in OPERATIONS}
    for kind in OPERATIONS:
        reads = kind.effect is Effect.READ
        assert (kind.call.mutates, kind.verify_with is None) == (not reads, reads), kind
        if kind.verify_with is not None:
            reader = by_name[kind.verify_with]
            required = {name for name, it in reader.call.fields.items() if it.required}
            assert reader.effect is Effect.READ
            assert required <= kind.call.fields.keys(), kind


def test_an_operation_with_an_undocumented_call_does_not_import() -> None:
    """The contract has no call that deletes a studio."""
    with pytest.raises(KeyError, match=re.escape("DELETE /v1/studios/{id}")):

        class DeleteStudio(
            Operation[Ok],
            call="DELETE /v1/studios/{id}",
            effect=Effect.GUARDED,
            verify_with=GetStudio,
            hint="Deletes it.",
        ):
            """Does not exist."""

            studio_id: str


INCOMPLETE: Final = "must quote its call and declare its effect and hint"


def test_an_operation_without_an_effect_does_not_import() -> None:
    """The danger of a call is declared by hand and cannot be forgotten."""
    with pytest.raises(TypeError, match=f"GoLiveAgain {INCOMPLETE}"):

        class GoLiveAgain(Operation[Ok], call="POST /v1/studios/{id}/go-live", hint="Starts it."):
            """Has no effect."""

            studio_id: str


def test_an_operation_without_a_call_does_not_import() -> None:
    """A call cannot be invented."""
    with pytest.raises(TypeError, match=f"MakeCoffee {INCOMPLETE}"):

        class MakeCoffee(Operation[Ok], effect=Effect.WRITE, hint="Makes coffee."):
            """Has no call."""


def test_an_operation_without_a_hint_does_not_import() -> None:
    """A docstring is no hint: `python -OO` removes it."""
    with pytest.raises(TypeError, match=f"GetHealthAgain {INCOMPLETE}"):

        class GetHealthAgain(Operation[Ok], call="GET /v1/health", effect=Effect.READ):
            """Needs no key."""

    with pytest.raises(TypeError, match=f"GetHealthAgain {INCOMPLETE}"):

        class GetHealthAgain(  # type: ignore[no-redef]
            Operation[Ok], call="GET /v1/health", effect=Effect.READ, hint=""
        ):
            """Needs no key."""


def test_a_tool_of_several_calls_is_checked_like_an_operation() -> None:
    """It stands on a documented call, has an effect and a hint, and describes its arguments."""
    with pytest.raises(KeyError, match=re.escape("GET /v1/viewers")):

        class CountViewers(
            ToolInput, call="GET /v1/viewers", effect=Effect.READ, hint="Counts viewers."
        ):
            """Has an undocumented call."""

    with pytest.raises(TypeError, match=f"CountViewers {INCOMPLETE}"):

        class CountViewers(ToolInput, call="GET /v1/studios", hint="Counts viewers."):  # type: ignore[no-redef]
            """Has no effect."""

    with pytest.raises(TypeError, match=f"CountViewers {INCOMPLETE}"):

        class CountViewers(ToolInput, call="GET /v1/studios", effect=Effect.READ):  # type: ignore[no-redef]
            """Has no hint."""

    with pytest.raises(TypeError, match="CountViewers: `since` has no description"):

        class CountViewers(  # type: ignore[no-redef]
            ToolInput, call="GET /v1/studios", effect=Effect.READ, hint="Counts viewers."
        ):
            """Does not describe its argument."""

            since: str


def test_python_without_docstrings_keeps_every_hint() -> None:
    """`python -OO` removes docstrings, and a model would then be told nothing of ours."""
    code = (
        "import json;"
        "from trax_mcp.api.operations import OPERATIONS, __doc__ as doc;"
        "from trax_mcp.chat.wait import WaitForChatMessages;"
        "from trax_mcp.studio.overview_reader import CheckStudio;"
        "from trax_mcp.studio.search import FindStudio;"
        "from trax_mcp.uploads.upload import UploadMedia;"
        "beyond = (FindStudio, CheckStudio, WaitForChatMessages, UploadMedia);"
        "told = {it.tool_name: it.description() for it in (*OPERATIONS, *beyond)};"
        "print(json.dumps([doc, told]))"
    )
    run = subprocess.run(  # noqa: S603  ours
        [sys.executable, "-OO", "-c", code],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
    )
    beyond = (FindStudio, CheckStudio, WaitForChatMessages, UploadMedia)
    kinds: tuple[type[ToolInput], ...] = (*OPERATIONS, *beyond)
    told = {it.tool_name: it.description() for it in kinds}
    assert json.loads(run.stdout) == [None, told]
    assert all(it.hint and it.hint in told[it.tool_name] for it in kinds)


@pytest.mark.parametrize(
    ("call", "effect", "verify_with"),
    [
        ("POST /v1/studios/{id}/go-live", Effect.GUARDED, None),
        ("POST /v1/studios/{id}/go-live", Effect.READ, None),
        ("GET /v1/studios/{id}", Effect.WRITE, GetStudio),
        ("GET /v1/studios/{id}", Effect.READ, GetStudio),
    ],
)
def test_an_operation_that_contradicts_itself_does_not_import(
    call: str, effect: Effect, verify_with: type[Operation[Model]] | None
) -> None:
    """A change without a read that shows it is one, and a GET that writes is another."""
    with pytest.raises(TypeError, match="Contradiction: effect, method and `verify_with` must ag"):

        class Contradiction(
            Operation[Ok], call=call, effect=effect, verify_with=verify_with, hint="Does both."
        ):
            """Contradicts itself."""

            studio_id: str


def test_an_operation_with_an_undocumented_argument_does_not_import() -> None:
    """A tool cannot offer arguments that TRaX does not take."""
    with pytest.raises(TypeError, match=re.escape("GET /v1/health takes no `verbose`")):

        class AskMore(Operation[Ok], call="GET /v1/health", effect=Effect.READ, hint="Asks."):
            """Takes too much."""

            verbose: bool | None = Field(None, description="Say more.")


def test_an_operation_with_an_undescribed_argument_does_not_import() -> None:
    """The contract does not describe `name`, so the operation has to."""
    with pytest.raises(TypeError, match="Unsaid: `name` has no description"):

        class Unsaid(
            Operation[Studio],
            call="POST /v1/studios",
            effect=Effect.WRITE,
            verify_with=ListStudios,
            hint="Creates one.",
        ):
            """Does not describe its argument."""

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
    """Only the body holds it. No repr, str or dump of the operation or the request shows it."""
    request = operation.request()
    assert (request.body or {})["streamKey"] == STREAM_KEY
    printed = (repr(operation), str(operation), operation.model_dump_json(), repr(request))
    assert [text for text in printed if STREAM_KEY in text] == []


def test_a_refused_value_is_not_repeated_in_the_refusal() -> None:
    """It may be a secret in the wrong place."""
    given = {"studioId": "s", "destId": "d", "platform": ["", STREAM_KEY], STREAM_KEY[:4]: "x"}
    with pytest.raises(ValidationError) as caught:
        UpdateDestination.model_validate(given)
    assert STREAM_KEY not in str(caught.value)


def test_an_operation_is_a_value() -> None:
    """It is equal by content, can be a key, and does not change after it was checked."""
    assert GoLive(studio_id="s") == GoLive(studio_id="s")
    assert len({GoLive(studio_id="s"), GoLive(studio_id="s"), GoLive(studio_id="t")}) == 2
    with pytest.raises(ValidationError, match="frozen"):
        GoLive(studio_id="s").studio_id = "t"  # type: ignore[misc]
