"""Invalid arguments are refused before anything is sent, and the failure says what is allowed.

Unambiguous values of a wrong type are converted. No id can leave its segment of the path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.conftest import call, text_of
from tests.support.guarded_calls import STUDIO
from tests.support.operation_table import STREAM_KEY
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.valid_calls import DESTINATION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp.server import Server

    from tests.support.operation_table import Arguments
    from tests.support.product.sandbox import Sandbox

NEW_DESTINATION: Final[Arguments] = {**STUDIO, "name": "Side stage", "platform": "kick"}
MEDIA_FILE: Final[Arguments] = {"filename": "a.mp4", "contentType": "video/mp4"}
CHAT: Final[Arguments] = {**STUDIO, "text": "Hello"}
CONFIRMED: Final[Arguments] = {"confirm": True}

NOT_TEXT: Final = "must be a non-empty string"
NOT_UTF8: Final = "must be text without lone surrogates"
NOT_WHOLE: Final = "must be a whole number"
TOO_SMALL: Final = "must be at least"
TOO_LARGE: Final = "must be at most 9007199254740991"
OVER_A_PAGE: Final = "must be at most 200"
NOT_A_BOOLEAN: Final = "must be true or false"
BAD_CONFIRM: Final = "`confirm` must be the boolean true, given after the person's yes"
BAD_CONFIRMATION: Final = "`confirmation` must be the string that the preview gave"
NOT_A_LIST: Final = "`platforms` must be a list of non-empty strings"
NO_CHANGE: Final = "changes nothing: give at least one thing to change"
ONE_TARGET: Final = (
    "create_destination takes `connectionId` or `rtmpUrl` with `streamKey`, not both"
)
TOGETHER: Final = "create_destination needs `rtmpUrl` and `streamKey` together"
PAGE_ARGUMENTS: Final = "which takes `cursor`, `limit`"

REFUSED: Final[list[tuple[str, Arguments, str]]] = [
    # Unknown arguments: none is dropped silently.
    (
        "get_health",
        {"verbose": True},
        '"verbose" is not an argument of get_health, which takes none',
    ),
    (
        "list_studios",
        {"x" * 99: 1},
        f'"{"x" * 39}…" is not an argument of list_studios, {PAGE_ARGUMENTS}',
    ),
    (
        "list_media",
        {"\ud800": 1},
        f'"\ufffd\ufffd\ufffd" is not an argument of list_media, {PAGE_ARGUMENTS}',
    ),
    (
        "get_studio",
        {"studio_id": "studio_42"},
        (
            '`studioId` is required; "studio_id" is not an argument of get_studio,'
            " which takes `studioId`"
        ),
    ),
    (
        "go_live",
        {**STUDIO, "force": True},
        '"force" is not an argument of go_live, which takes `studioId`, `confirm`, `confirmation`',
    ),
    # Missing, empty, or of the wrong type.
    ("get_studio", {"studioId": None}, "`studioId` is required"),
    ("get_studio", {"studioId": " \t"}, f"`studioId` {NOT_TEXT}"),
    ("get_studio", {"studioId": "a\ud800"}, f"`studioId` {NOT_UTF8}"),
    ("list_studios", {"cursor": ""}, f"`cursor` {NOT_TEXT}"),
    (
        "create_destination",
        {"enabled": "yes", "vertical": 1},
        "`studioId` is required; `name` is required; `platform` is required; and 2 more",
    ),
    # Numbers.
    ("list_studios", {"limit": 0}, f"`limit` {TOO_SMALL} 1"),
    ("list_studios", {"limit": 1.5}, f"`limit` {NOT_WHOLE}"),
    ("list_studios", {"limit": True}, f"`limit` {NOT_WHOLE}"),
    ("list_studios", {"limit": 201}, f"`limit` {OVER_A_PAGE}"),
    ("list_studios", {"limit": "9" * 5000}, f"`limit` {NOT_WHOLE}"),
    ("create_media_upload", {**MEDIA_FILE, "byteSize": -1}, f"`byteSize` {TOO_SMALL} 0"),
    ("create_media_upload", {**MEDIA_FILE, "byteSize": 2**53}, f"`byteSize` {TOO_LARGE}"),
    # Booleans and lists.
    ("update_destination", {**DESTINATION, "enabled": 1}, f"`enabled` {NOT_A_BOOLEAN}"),
    ("send_chat_message", {**CHAT, "platforms": "twitch"}, NOT_A_LIST),
    ("send_chat_message", {**CHAT, "platforms": "[" * 9000}, NOT_A_LIST),
    ("send_chat_message", {**CHAT, "platforms": ["twitch", ""]}, f"`platforms` {NOT_TEXT}"),
    # Arguments that need or exclude each other.
    ("create_destination", {**NEW_DESTINATION, "rtmpUrl": "rtmps://x"}, TOGETHER),
    (
        "create_destination",
        {**NEW_DESTINATION, "connectionId": "conn_1", "rtmpUrl": "rtmps://x", "streamKey": "shh"},
        ONE_TARGET,
    ),
    # Updates that change nothing.
    ("update_studio", {**STUDIO, "name": None}, f"update_studio {NO_CHANGE}"),
    # `confirm` must be a boolean, not a value that looks like one.
    ("go_live", {**STUDIO, "confirm": "true"}, BAD_CONFIRM),
    ("go_live", {"confirm": "yes"}, f"{BAD_CONFIRM}; `studioId` is required"),
    (
        "go_offline",
        {**STUDIO, "confirm": "yes", "confirmation": {}},
        f"{BAD_CONFIRM}; {BAD_CONFIRMATION}",
    ),
    (
        "create_studio",
        {"name": "N", "confirm": True},
        '"confirm" is not an argument of create_studio, which takes `name`',
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
    ("go_offline", {**STUDIO, **CONFIRMED, "confirmation": None}, {}, None),
    ("create_destination", NEW_DESTINATION, {}, {"name": "Side stage", "platform": "kick"}),
    ("send_chat_message", {**CHAT, "platforms": []}, {}, {"text": "Hello", "platforms": []}),
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


def case_ids(cases: Sequence[tuple[Any, ...]]) -> list[str]:
    """Short ids for the cases: some arguments are 70 000 characters long."""
    return [f"{case[0]}-{number}" for number, case in enumerate(cases)]


@pytest.mark.parametrize(("tool", "arguments", "problem"), REFUSED, ids=case_ids(REFUSED))
async def test_invalid_arguments_are_named_and_nothing_is_sent(
    server: Server[Any],
    sandbox: Sandbox,
    *,
    tool: str,
    arguments: Arguments,
    problem: str,
) -> None:
    """The whole failure, as structured content and as text."""
    message = f"{problem}. Nothing was sent: correct the arguments and call again."
    result = await call(server, tool, arguments)
    assert result.is_error
    assert result.structured_content == {
        "error": {
            "code": "invalid_arguments",
            "message": message,
            "retryable": False,
            "outcome": "not_applied",
        }
    }
    assert [block.model_dump(exclude_none=True) for block in result.content] == [
        {"type": "text", "text": message}
    ]
    assert list(sandbox.requests) == []


@pytest.mark.parametrize(("tool", "arguments", "query", "body"), ACCEPTED, ids=case_ids(ACCEPTED))
async def test_unambiguous_arguments_are_converted_to_the_contract_types(
    flag_server: Server[Any],
    sandbox: Sandbox,
    *,
    tool: str,
    arguments: Arguments,
    query: Arguments,
    body: object,
) -> None:
    """Numbers, booleans and lists in strings are accepted; null means not given."""
    result = await call(flag_server, tool, arguments)
    (received,) = sandbox.mutations or sandbox.requests
    assert (received.query, received.body_json) == (query, body)
    assert not result.is_error


async def test_an_id_stays_in_its_path_segment_or_is_refused(
    server: Server[Any], sandbox: Sandbox
) -> None:
    for hostile_id, segment in HOSTILE_IDS.items():
        before = len(sandbox.requests)
        arguments = {"studioId": hostile_id, "sourceId": hostile_id, "name": "N"}
        result = await call(server, "update_source", arguments)
        sent_paths = [] if segment is None else [f"/v1/studios/{segment}/sources/{segment}"]
        assert [received.path for received in list(sandbox.requests)[before:]] == sent_paths
        code = "invalid_arguments" if segment is None else "not_found"
        assert (result.structured_content or {})["error"]["code"] == code, hostile_id[:40]


async def test_a_refusal_does_not_repeat_a_secret_argument(server: Server[Any]) -> None:
    """Neither the value nor, under an unknown name, more than the name."""
    key = STREAM_KEY
    for invalid in ({"streamKey": [key]}, {"rtmpUrl": {"u": key}}, {"stream_key": key}):
        result = await call(server, "create_destination", {**NEW_DESTINATION, **invalid})
        assert result.is_error
        assert key not in result.model_dump_json()


async def test_a_key_in_the_place_of_a_name_is_not_repeated(server: Server[Any]) -> None:
    """Neither as the name of an argument nor as the start of a longer one."""
    for name in (SANDBOX_KEY, f"{SANDBOX_KEY}{'x' * 100}"):
        result = await call(server, "get_health", {name: 1})
        assert text_of(result).startswith('"[key]" is not an argument of get_health')
        assert "sk_live_" not in result.model_dump_json()


async def test_of_thousands_of_problems_three_are_named(server: Server[Any]) -> None:
    """The rest is counted."""
    result = await call(server, "get_health", {f"a{number}": 1 for number in range(5_000)})
    assert "; and 4997 more." in text_of(result)
    assert '"a3"' not in text_of(result)
