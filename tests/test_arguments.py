"""Bad arguments are refused before anything is sent, by name, and say what is allowed.

Arguments come from models: what is unambiguous is tolerated, and what is not is a sentence that a
model can act on. No id, however hostile, leaves its place in the path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.calls import DESTINATION, SOURCE, STREAM_KEY, STUDIO
from tests.conftest import OWNER, call, client_on
from tests.jsonrpc import ERAS
from tests.witness import still
from trax_mcp.server.app import build_server

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp.server import Server

    from tests.calls import Arguments
    from trax_mcp.sandbox import Sandbox

S, D = STUDIO, DESTINATION
NEW: Final[Arguments] = {**S, "name": "Side stage", "platform": "kick"}
FILE: Final[Arguments] = {"filename": "a.mp4", "contentType": "video/mp4"}
SAY: Final[Arguments] = {**S, "text": "Hello"}
YES: Final[Arguments] = {"confirm": True}

TEXT: Final = "must be a non-empty string"
UTF8: Final = "must be text without lone surrogates"
ID: Final = "must be an id as TRaX gave it, on one line, not `.` or `..`"
LEAST: Final = "must be a whole number of at least"
MOST: Final = "must be a whole number of at most 9007199254740991"
CURSOR: Final = "must be a cursor as it was given"
SWITCH: Final = "must be true or false"
CONFIRM: Final = "`confirm` must be the boolean true, given after the person's yes"
CONFIRMATION: Final = "`confirmation` must be the string that the preview gave"
LIST: Final = "`platforms` must be a list of non-empty strings"
NOTHING: Final = "changes nothing: give at least one thing to change"
ONE_WAY: Final = "create_destination takes `connectionId` or `rtmpUrl` with `streamKey`, not both"
TOGETHER: Final = "create_destination needs `rtmpUrl` and `streamKey` together"
PAGE: Final = "which takes `cursor`, `limit`"

REFUSED: Final[list[tuple[str, Arguments, str]]] = [
    # Unknown arguments: not even one that looks harmless is dropped in silence.
    (
        "get_health",
        {"verbose": True},
        '"verbose" is not an argument of get_health, which takes none',
    ),
    ("list_studios", {"page": 2}, f'"page" is not an argument of list_studios, {PAGE}'),
    ("list_studios", {"x" * 99: 1}, f'"{"x" * 39}…" is not an argument of list_studios, {PAGE}'),
    ("list_media", {"\n\u202e": 1}, f'"\\u000a\\u202e" is not an argument of list_media, {PAGE}'),
    ("list_media", {"\ud800": 1}, f'"\ufffd\ufffd\ufffd" is not an argument of list_media, {PAGE}'),
    (
        "get_studio",
        {"id": "studio_42"},
        '`studioId` is required; "id" is not an argument of get_studio, which takes `studioId`',
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
        {**S, "force": True},
        '"force" is not an argument of go_live, which takes `studioId`, `confirm`, `confirmation`',
    ),
    (
        "update_source",
        {**SOURCE, "type": "media"},
        (
            '"type" is not an argument of update_source, which takes `studioId`, `sourceId`,'
            " `name`, `url`, `active`, `confirm`, `confirmation`"
        ),
    ),
    # Missing, empty and wrongly typed.
    ("get_studio", {}, "`studioId` is required"),
    ("get_studio", {"studioId": None}, "`studioId` is required"),
    ("get_studio", {"studioId": ""}, f"`studioId` {TEXT}"),
    ("get_studio", {"studioId": " \t"}, f"`studioId` {TEXT}"),
    ("get_studio", {"studioId": 42}, f"`studioId` {TEXT}"),
    ("get_studio", {"studioId": ["studio_42"]}, f"`studioId` {TEXT}"),
    ("get_studio", {"studioId": {"id": "studio_42"}}, f"`studioId` {TEXT}"),
    ("get_studio", {"studioId": "a\ud800"}, f"`studioId` {UTF8}"),
    ("delete_source", {**S}, "`sourceId` is required"),
    ("unlink_connection", {"connectionId": ""}, f"`connectionId` {TEXT}"),
    ("create_studio", {}, "`name` is required"),
    ("create_studio", {"name": ""}, f"`name` {TEXT}"),
    ("create_studio", {"name": "\udfff"}, f"`name` {UTF8}"),
    ("create_studio", {"name": True}, f"`name` {TEXT}"),
    ("send_chat_message", {**S, "text": "  "}, f"`text` {TEXT}"),
    ("list_studios", {"cursor": ""}, f"`cursor` {TEXT}"),
    ("list_studios", {"cursor": 7}, f"`cursor` {TEXT}"),
    ("list_studios", {"cursor": "c" * 70_000}, f"`cursor` {CURSOR}"),
    (
        "create_destination",
        {},
        "`studioId` is required; `name` is required; `platform` is required",
    ),
    (
        "create_destination",
        {"enabled": "yes", "vertical": 1},
        "`studioId` is required; `name` is required; `platform` is required; and 2 more",
    ),
    # Numbers.
    ("list_studios", {"limit": 0}, f"`limit` {LEAST} 1"),
    ("list_studios", {"limit": -1}, f"`limit` {LEAST} 1"),
    ("list_studios", {"limit": "0"}, f"`limit` {LEAST} 1"),
    ("list_studios", {"limit": "x"}, f"`limit` {LEAST} 1"),
    ("list_studios", {"limit": ""}, f"`limit` {LEAST} 1"),
    ("list_studios", {"limit": " 50"}, f"`limit` {LEAST} 1"),
    ("list_studios", {"limit": "\uff15\uff10"}, f"`limit` {LEAST} 1"),
    ("list_studios", {"limit": "1.5"}, f"`limit` {LEAST} 1"),
    ("list_studios", {"limit": 1.5}, f"`limit` {LEAST} 1"),
    ("list_studios", {"limit": True}, f"`limit` {LEAST} 1"),
    ("list_studios", {"limit": [50]}, f"`limit` {LEAST} 1"),
    ("list_studios", {"limit": 10**30}, f"`limit` {MOST}"),
    ("list_studios", {"limit": "9" * 30}, f"`limit` {MOST}"),
    ("list_studios", {"limit": "9" * 5000}, f"`limit` {LEAST} 1"),
    ("list_chat_messages", {**S, "limit": 0}, f"`limit` {LEAST} 1"),
    ("create_media_upload", {**FILE, "byteSize": -1}, f"`byteSize` {LEAST} 0"),
    ("create_media_upload", {**FILE, "byteSize": 2**53}, f"`byteSize` {MOST}"),
    ("create_media_upload", {**FILE, "byteSize": "1 MB"}, f"`byteSize` {LEAST} 0"),
    # Switches and lists.
    ("update_destination", {**D, "enabled": "yes"}, f"`enabled` {SWITCH}"),
    ("update_destination", {**D, "enabled": 1}, f"`enabled` {SWITCH}"),
    ("update_destination", {**D, "enabled": "True"}, f"`enabled` {SWITCH}"),
    ("update_studio", {**S, "autoGoLive": 0}, f"`autoGoLive` {SWITCH}"),
    ("send_chat_message", {**SAY, "platforms": "twitch"}, LIST),
    ("send_chat_message", {**SAY, "platforms": '"twitch"'}, LIST),
    ("send_chat_message", {**SAY, "platforms": "[" * 9000}, LIST),
    ("send_chat_message", {**SAY, "platforms": {"twitch": True}}, LIST),
    ("send_chat_message", {**SAY, "platforms": ["twitch", ""]}, f"`platforms` {TEXT}"),
    ("send_chat_message", {**SAY, "platforms": [1]}, f"`platforms` {TEXT}"),
    ("send_chat_message", {**SAY, "platforms": "[null]"}, f"`platforms` {TEXT}"),
    # What belongs together, and what does not.
    ("create_destination", {**NEW, "rtmpUrl": "rtmps://x"}, TOGETHER),
    ("create_destination", {**NEW, "streamKey": "shh"}, TOGETHER),
    ("create_destination", {**NEW, "streamKey": ""}, f"`streamKey` {TEXT}"),
    ("create_destination", {**NEW, "connectionId": "conn_1", "rtmpUrl": "rtmps://x"}, TOGETHER),
    ("create_destination", {**NEW, "connectionId": "conn_1", "streamKey": "shh"}, TOGETHER),
    (
        "create_destination",
        {**NEW, "connectionId": "conn_1", "rtmpUrl": "rtmps://x", "streamKey": "shh"},
        ONE_WAY,
    ),
    (
        "update_destination",
        {**D, "connectionId": "conn_1"},
        (
            '"connectionId" is not an argument of update_destination, which takes `studioId`,'
            " `destId`, `name`, `platform`, `rtmpUrl`, `streamKey`, `enabled`, `vertical`,"
            " `confirm`, `confirmation`"
        ),
    ),
    # Updates that change nothing.
    ("update_studio", {**S}, f"update_studio {NOTHING}"),
    ("update_studio", {**S, "name": None}, f"update_studio {NOTHING}"),
    ("update_destination", {**D}, f"update_destination {NOTHING}"),
    ("update_source", {**SOURCE}, f"update_source {NOTHING}"),
    # Consent is a boolean and nothing that looks like one.
    ("go_live", {**S, "confirm": "true"}, CONFIRM),
    ("go_live", {**S, "confirm": 1}, CONFIRM),
    ("go_live", {**S, "confirm": [True]}, CONFIRM),
    ("go_live", {"confirm": "yes"}, f"{CONFIRM}; `studioId` is required"),
    ("delete_destination", {**D, "confirm": 1.0}, CONFIRM),
    ("update_studio", {**S, "name": "N", "confirm": 0}, CONFIRM),
    ("go_offline", {**S, "confirmation": 7}, CONFIRMATION),
    ("go_offline", {**S, "confirm": True, "confirmation": ["x"]}, CONFIRMATION),
    ("go_offline", {**S, "confirm": "yes", "confirmation": {}}, f"{CONFIRM}; {CONFIRMATION}"),
    ("go_offline", {"confirmation": False}, f"{CONFIRMATION}; `studioId` is required"),
    (
        "create_studio",
        {"name": "N", "confirm": True},
        '"confirm" is not an argument of create_studio, which takes `name`',
    ),
]

ACCEPTED: Final[list[tuple[str, Arguments, Arguments, object]]] = [
    ("list_studios", {"limit": "50"}, {"limit": "50"}, None),
    ("list_studios", {"limit": 50.0}, {"limit": "50"}, None),
    ("list_studios", {"limit": 500}, {"limit": "500"}, None),
    ("list_studios", {"limit": None, "cursor": None}, {}, None),
    ("list_chat_messages", {**S, "limit": 2**53 - 1}, {"limit": "9007199254740991"}, None),
    ("create_media_upload", {**FILE, "byteSize": "0"}, {}, {**FILE, "byteSize": 0}),
    ("update_destination", {**D, "enabled": "false"}, {}, {"enabled": False}),
    ("update_destination", {**D, "enabled": True, "name": None}, {}, {"enabled": True}),
    ("update_destination", {**D, "rtmpUrl": "rtmps://x", **YES}, {}, {"rtmpUrl": "rtmps://x"}),
    ("update_destination", {**D, "streamKey": "shh", **YES}, {}, {"streamKey": "shh"}),
    ("go_offline", {**S, **YES, "confirmation": None}, {}, None),
    (
        "create_destination",
        {**NEW, "connectionId": "conn_1"},
        {},
        {"name": "Side stage", "platform": "kick", "connectionId": "conn_1"},
    ),
    ("create_destination", NEW, {}, {"name": "Side stage", "platform": "kick"}),
    ("send_chat_message", {**SAY, "platforms": None}, {}, {"text": "Hello"}),
    ("send_chat_message", {**SAY, "platforms": []}, {}, {"text": "Hello", "platforms": []}),
    (
        "send_chat_message",
        {**SAY, "platforms": '["twitch", "kick"]'},
        {},
        {"text": "Hello", "platforms": ["twitch", "kick"]},
    ),
    ("send_chat_message", {**S, "text": " a\nb\0"}, {}, {"text": " a\nb\0"}),
]
"""Tool, arguments, and the query and body that TRaX is sent."""

HOSTILE_IDS: Final[dict[str, str | None]] = {
    ".": None,
    "..": None,
    "": None,
    " ": None,
    "\n": None,
    "a\nb": None,
    "a\r\nHost: evil.example": None,
    "a\x00b": None,
    "a\x7f": None,
    "a\x85b": None,
    "\ud800": None,
    "x" * 513: None,
    "\U0001f600" * 70_000: None,
    "x" * 512: "x" * 512,
    "../": "..%2F",
    "../../admin": "..%2F..%2Fadmin",
    "..\\..\\admin": "..%5C..%5Cadmin",
    "/": "%2F",
    "//evil.example": "%2F%2Fevil.example",
    "https://evil.example/": "https%3A%2F%2Fevil.example%2F",
    "a/go-live": "a%2Fgo-live",
    "a?limit=1": "a%3Flimit%3D1",
    "a#fragment": "a%23fragment",
    "a;b&c=d": "a%3Bb%26c%3Dd",
    "%2e%2e": "%252e%252e",
    "%2e%2e%2f": "%252e%252e%252f",
    "..%2f": "..%252f",
    "%": "%25",
    "%00": "%2500",
    "...": "...",
    "{id}": "%7Bid%7D",
    "{0.__class__}": "%7B0.__class__%7D",
    "@evil.example:80": "%40evil.example%3A80",
    "a b": "a%20b",
    "é\u2028\u202e": "%C3%A9%E2%80%A8%E2%80%AE",
    "\U0001f600": "%F0%9F%98%80",
    "\uff0e\uff0e": "%EF%BC%8E%EF%BC%8E",
}
"""Each id with the one path segment it must become, None where it must be refused."""


def numbered(cases: Sequence[tuple[Any, ...]]) -> list[str]:
    """Names for the cases of a table: arguments make none, and some are 70 000 characters long."""
    return [f"{case[0]}-{number}" for number, case in enumerate(cases)]


@pytest.mark.parametrize(("tool", "arguments", "problem"), REFUSED, ids=numbered(REFUSED))
async def test_bad_arguments_are_refused_by_name_and_nothing_is_sent(
    server: Server[Any],
    sandbox: Sandbox,
    *,
    era: str,
    tool: str,
    arguments: Arguments,
    problem: str,
) -> None:
    """The whole failure, as a program and as a model see it."""
    message = f"{problem}. Nothing was sent: correct the arguments and call again."
    result = await call(server, tool, arguments, era=era)
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


@pytest.mark.parametrize(("tool", "arguments", "query", "body"), ACCEPTED, ids=numbered(ACCEPTED))
async def test_what_is_unambiguous_is_sent_as_the_contract_wants_it(
    flag_server: Server[Any],
    sandbox: Sandbox,
    *,
    tool: str,
    arguments: Arguments,
    query: Arguments,
    body: object,
) -> None:
    """Numbers, switches and lists in strings; null is the same as left out."""
    result = await call(flag_server, tool, arguments)
    (received,) = sandbox.mutations or sandbox.requests
    assert (received.query, received.body_json) == (query, body)
    assert not result.is_error


@pytest.mark.parametrize(("hostile", "segment"), HOSTILE_IDS.items(), ids=range(len(HOSTILE_IDS)))
async def test_no_id_leaves_its_path_segment(
    server: Server[Any], sandbox: Sandbox, *, era: str, hostile: str, segment: str | None
) -> None:
    """Quoted or refused; TRaX never sees another path than the one that was meant."""
    arguments = {"studioId": hostile, "sourceId": hostile, "name": "N"}
    result = await call(server, "update_source", arguments, era=era)
    sent = [] if segment is None else [f"/v1/studios/{segment}/sources/{segment}"]
    assert [received.path for received in sandbox.requests] == sent
    code = "invalid_arguments" if segment is None else "not_found"
    assert (result.structured_content or {})["error"]["code"] == code


PIECES: Final = st.sampled_from(
    ["..", "/", "%2e", "%", "?", "#", ":", "@", "\\", "\n", "studio_42"]
)


@settings(deadline=None, derandomize=True, max_examples=80)
@given(studio=st.text(st.characters()) | st.lists(PIECES).map("".join), era=st.sampled_from(ERAS))
async def test_any_text_is_refused_or_stays_inside_its_segment(studio: str, era: str) -> None:
    """Not a table but all of Unicode: nothing is sent, or one request that says this id."""
    sandbox = still()
    server = build_server(client_on(sandbox), own=OWNER)
    result = await call(server, "get_stream_status", {"studioId": studio}, era=era)
    if not sandbox.requests:
        assert (result.structured_content or {})["error"]["code"] == "invalid_arguments"
        return
    (received,) = sandbox.requests
    head, v1, studios, segment, tail = received.path.split("/")
    assert (head, v1, studios, tail) == ("", "v1", "studios", "stream-status")
    assert (unquote(segment), dict(received.query)) == (studio, {})


async def test_a_secret_argument_is_not_repeated_when_it_is_refused(server: Server[Any]) -> None:
    """Neither its value nor, under a wrong name, more than the name."""
    key = STREAM_KEY
    for wrong in ({"streamKey": [key]}, {"rtmpUrl": {"u": key}}, {"stream_key": key}):
        result = await call(server, "create_destination", {**NEW, **wrong})
        assert result.is_error
        assert key not in result.model_dump_json()
