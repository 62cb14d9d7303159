"""Invalid arguments are refused before anything is sent, and the failure says what is allowed.

Unambiguous values of a wrong type are converted. No id can leave its segment of the path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.guarded_calls import STUDIO
from tests.support.operation_table import STREAM_KEY
from tests.support.valid_calls import DESTINATION
from tests.world.answers import error_in, text_of
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from tests.support.operation_table import Arguments

NEW_DESTINATION: Final[Arguments] = {**STUDIO, "name": "Side stage", "platform": "kick"}
MEDIA_FILE: Final[Arguments] = {"filename": "a.mp4", "contentType": "video/mp4"}
CHAT: Final[Arguments] = {**STUDIO, "text": "Hello"}

NOT_TEXT: Final = "must be a non-empty string"
NOT_A_LIST: Final = "`platforms` must be a list of non-empty strings"
NOT_WHOLE: Final = "must be a whole number"
BAD_CONFIRM: Final = "`confirm` must be the boolean true, given after the user approves"
NO_ARGUMENT: Final = "isn't an argument of"
NO_CHANGE: Final = "update_studio changes nothing: give at least one thing to change"
PAGE_ARGUMENTS: Final = "which takes `cursor`, `limit`"

REFUSED: Final[list[tuple[str, Arguments, str]]] = [
    # Unknown arguments: none is dropped silently.
    ("get_health", {"verbose": True}, f'"verbose" {NO_ARGUMENT} get_health, which takes none'),
    ("list_studios", {"x" * 99: 1}, f'"{"x" * 39}…" {NO_ARGUMENT} list_studios, {PAGE_ARGUMENTS}'),
    (
        "list_media",
        {"\ud800": 1},
        f'"\ufffd\ufffd\ufffd" {NO_ARGUMENT} list_media, {PAGE_ARGUMENTS}',
    ),
    (
        "get_studio",
        {"studio_id": "studio_42"},
        f'`studioId` is required; "studio_id" {NO_ARGUMENT} get_studio, which takes `studioId`',
    ),
    (
        "go_live",
        {**STUDIO, "force": True},
        f'"force" {NO_ARGUMENT} go_live, which takes `studioId`, `confirm`, `confirmation`',
    ),
    # Missing, empty, or of the wrong type.
    ("get_studio", {"studioId": None}, "`studioId` is required"),
    ("get_studio", {"studioId": " \t"}, f"`studioId` {NOT_TEXT}"),
    ("get_studio", {"studioId": "a\ud800"}, "`studioId` must be text without lone surrogates"),
    ("list_studios", {"cursor": " "}, f"`cursor` {NOT_TEXT}"),
    ("create_studio", {"name": ""}, f"`name` {NOT_TEXT}"),
    # Empty where a call without it would do more.
    ("send_chat_message", {**CHAT, "platforms": ""}, NOT_A_LIST),
    (
        "send_chat_message",
        {**CHAT, "platforms": []},
        "`platforms` must have an item, or be left out",
    ),
    ("create_destination", {**NEW_DESTINATION, "enabled": ""}, "`enabled` must be true or false"),
    (
        "create_source",
        {**STUDIO, "name": "N", "type": "srt", "active": ""},
        "`active` must be true or false",
    ),
    ("update_studio", {**STUDIO, "name": ""}, NO_CHANGE),
    (
        "create_destination",
        {"enabled": "yes", "vertical": 1},
        "`studioId` is required; `name` is required; `platform` is required; and 2 more",
    ),
    # Numbers.
    ("list_studios", {"limit": 0}, "`limit` must be at least 1"),
    *(("list_studios", {"limit": it}, f"`limit` {NOT_WHOLE}") for it in (1.5, True, "9" * 5000)),
    ("list_studios", {"limit": 201}, "`limit` must be at most 200"),
    ("create_media_upload", {**MEDIA_FILE, "byteSize": -1}, "`byteSize` must be at least 0"),
    (
        "create_media_upload",
        {**MEDIA_FILE, "byteSize": 2**53},
        "`byteSize` must be at most 9007199254740991",
    ),
    # Booleans and lists.
    ("update_destination", {**DESTINATION, "enabled": 1}, "`enabled` must be true or false"),
    *(
        (
            "send_chat_message",
            {**CHAT, "platforms": it},
            "`platforms` must be a list of non-empty strings",
        )
        for it in ("twitch", "[" * 9000)
    ),
    ("send_chat_message", {**CHAT, "platforms": ["twitch", ""]}, f"`platforms` {NOT_TEXT}"),
    # Arguments that need or exclude each other, and a change of nothing.
    (
        "create_destination",
        {**NEW_DESTINATION, "rtmpUrl": "rtmps://x"},
        "create_destination needs `rtmpUrl` and `streamKey` together",
    ),
    (
        "create_destination",
        {**NEW_DESTINATION, "connectionId": "conn_1", "rtmpUrl": "rtmps://x", "streamKey": "shh"},
        "create_destination takes `connectionId` or `rtmpUrl` with `streamKey`, not both",
    ),
    (
        "update_studio",
        {**STUDIO, "name": None},
        NO_CHANGE,
    ),
    # `confirm` must be a boolean, not a value that looks like one.
    ("go_live", {**STUDIO, "confirm": "true"}, BAD_CONFIRM),
    ("go_live", {"confirm": "yes"}, f"{BAD_CONFIRM}; `studioId` is required"),
    (
        "go_offline",
        {**STUDIO, "confirm": "yes", "confirmation": {}},
        f"{BAD_CONFIRM}; `confirmation` must be the string that the preview gave",
    ),
    (
        "create_studio",
        {"name": "N", "confirm": True},
        f'"confirm" {NO_ARGUMENT} create_studio, which takes `name`',
    ),
]

ACCEPTED: Final[list[tuple[str, Arguments, Arguments, object]]] = [
    ("list_studios", {"limit": "50"}, {"limit": "50"}, None),
    ("list_studios", {"limit": 50.0}, {"limit": "50"}, None),
    ("list_studios", {"limit": None, "cursor": None}, {}, None),
    (
        "create_media_upload",
        {**MEDIA_FILE, "byteSize": 2**53 - 1},
        {},
        {**MEDIA_FILE, "byteSize": 2**53 - 1},
    ),
    ("update_destination", {**DESTINATION, "enabled": "false"}, {}, {"enabled": False}),
    ("go_offline", {**STUDIO, "confirm": True, "confirmation": None}, {}, None),
    ("create_destination", NEW_DESTINATION, {}, {"name": "Side stage", "platform": "kick"}),
    # An empty text where a call without it would do no more, as some clients make models write it.
    ("list_studios", {"limit": "", "cursor": ""}, {}, None),
    (
        "update_destination",
        {**DESTINATION, "name": "", "streamKey": "", "rtmpUrl": "", "enabled": False},
        {},
        {"enabled": False},
    ),
    (
        "create_destination",
        {**NEW_DESTINATION, "connectionId": "", "vertical": "", "enabled": True},
        {},
        {"name": "Side stage", "platform": "kick", "enabled": True},
    ),
    ("go_offline", {**STUDIO, "confirm": True, "confirmation": ""}, {}, None),
    (
        "send_chat_message",
        {**CHAT, "platforms": '["twitch", "kick"]'},
        {},
        {"text": "Hello", "platforms": ["twitch", "kick"]},
    ),
    ("send_chat_message", {**STUDIO, "text": " a\nb\0"}, {}, {"text": " a\nb\0"}),
]
"""Tool, arguments, and the query and body that are sent to TRaX."""

HOSTILE_IDS: Final[dict[str, str | None]] = {
    ".": None,
    "..": None,
    "\n": None,
    "a\x00b": None,
    "\ud800": None,
    "x" * 513: None,
    "x" * 512: "x" * 512,
    "../../admin": "..%2F..%2Fadmin",
    "..\\..\\admin": "..%5C..%5Cadmin",
    "//evil.example": "%2F%2Fevil.example",
    "a?limit=1": "a%3Flimit%3D1",
    "a#fragment": "a%23fragment",
    "%2e%2e%2f": "%252e%252e%252f",
    "@evil.example:80": "%40evil.example%3A80",
    "é\u2028\u202e": "%C3%A9%E2%80%A8%E2%80%AE",
}
"""Each id with the path segment that it becomes, or None if it is refused."""


def numbered(cases: list[Any]) -> list[str]:
    """Short ids, since some arguments are long."""
    return [f"{case[0]}-{number}" for number, case in enumerate(cases)]


@pytest.mark.parametrize(("tool", "arguments", "problem"), REFUSED, ids=numbered(REFUSED))
async def test_invalid_arguments_are_named_and_nothing_is_sent(
    *, tool: str, arguments: Arguments, problem: str
) -> None:
    """The whole failure, as structured content and as text."""
    message = f"{problem}. Nothing was sent: correct the arguments and call again."
    async with open_world(MINE) as it:
        result = await it[MINE].client.call_tool(tool, arguments)
        assert list(it.trax.requests) == []
    assert error_in(result) == {
        "code": "invalid_arguments",
        "message": message,
        "retryable": False,
        "outcome": "not_applied",
    }
    assert text_of(result) == message


@pytest.mark.parametrize(("tool", "arguments", "query", "body"), ACCEPTED, ids=numbered(ACCEPTED))
async def test_unambiguous_arguments_are_converted_to_the_contract_types(
    *, tool: str, arguments: Arguments, query: Arguments, body: object
) -> None:
    """Numbers, booleans and lists in strings are accepted; null means not given."""
    async with open_world(MINE, TRAX_ASK="confirm_alone") as it:
        result = await it[MINE].client.call_tool(tool, arguments)
        (received,) = it.trax.mutations or it.trax.requests
    assert (received.query, received.body_json) == (query, body)
    assert not result.is_error


async def test_an_id_stays_in_its_path_segment_or_is_refused() -> None:
    async with open_world(MINE) as it:
        for hostile_id, segment in HOSTILE_IDS.items():
            before = len(it.trax.requests)
            ids = {"studioId": hostile_id, "sourceId": hostile_id}
            result = await it[MINE].call("update_source", **ids, name="N")
            sent_paths = [] if segment is None else [f"/v1/studios/{segment}/sources/{segment}"]
            assert [sent.path for sent in list(it.trax.requests)[before:]] == sent_paths
            code = "invalid_arguments" if segment is None else "not_found"
            assert error_in(result)["code"] == code, hostile_id[:40]


async def test_a_refusal_does_not_repeat_a_secret() -> None:
    """Of an argument only its name, and of a key in the place of a name nothing."""
    invalid = ({"streamKey": [STREAM_KEY]}, {"rtmpUrl": {"u": STREAM_KEY}})
    async with open_world(MINE) as it:
        for argument in (*invalid, {"stream_key": STREAM_KEY}):
            result = await it[MINE].call("create_destination", **{**NEW_DESTINATION, **argument})
            assert result.is_error
            assert STREAM_KEY not in result.model_dump_json()
        for name in (MINE, f"{MINE}{'x' * 100}"):
            result = await it[MINE].call("get_health", **{name: 1})
            assert text_of(result).startswith('"[key]" isn\'t an argument of get_health')
            assert "sk_live_" not in result.model_dump_json()


async def test_of_thousands_of_problems_three_are_named() -> None:
    """The rest is counted."""
    async with open_world(MINE) as it:
        many = {f"a{number}": 1 for number in range(5_000)}
        text = text_of(await it[MINE].call("get_health", **many))
    assert "; and 4997 more." in text
    assert '"a3"' not in text
