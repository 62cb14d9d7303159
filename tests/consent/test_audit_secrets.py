"""Secrets that the audit log never contains: API keys in any field, stream keys, confirmations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.guarded_calls import DELETE_SOURCE, GO_LIVE, STUDIO
from tests.support.product.server import fingerprint
from tests.support.simulated_person import Person
from tests.world.answers import audit_lines, outcome
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from pathlib import Path

GUARDED: Final = (
    "create_source,create_destination,update_destination,update_source,send_chat_message"
)
SOURCE: Final = {**STUDIO, "sourceId": "source_1"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of the audit log. The file does not exist yet."""
    return tmp_path / "audit.jsonl"


def text_in(path: Path) -> str:
    """All that the log holds."""
    return path.read_text(encoding="utf-8")


async def written(
    path: Path,
    tool: str,
    *calls: dict[str, Any],
    key: str = MINE,
    actor: str | None = None,
) -> list[dict[str, Any]]:
    """Make calls that need a yes, by the holder of this key, and return their lines."""
    meta: Any = {"live.traxstreaming/actor": actor} if actor else None
    async with open_world(TRAX_AUDIT_LOG=str(path), TRAX_GUARD_ALSO=GUARDED) as it:
        it.trax.add_key(key)
        client = (await it.caller(key)).client
        for arguments in calls:
            result = await client.call_tool(tool, {**STUDIO, **arguments}, meta=meta)
            assert outcome(result) == ("confirmation_required", None)
    return audit_lines(path)


async def test_no_key_and_no_confirmation_is_in_any_line(path: Path) -> None:
    """A reader of the file cannot call TRaX or confirm a call."""
    async with open_world(MINE, TRAX_AUDIT_LOG=str(path)) as it:
        confirmation = await it[MINE].confirmation(DELETE_SOURCE)
        for _ in range(2):
            await it[MINE].use(DELETE_SOURCE, confirmation)
        asking = await it.caller(person=Person())
        question = await asking.question(GO_LIVE)
    for secret in (MINE, confirmation, question.request_state or ""):
        assert secret not in text_in(path)


@pytest.mark.parametrize("key", ["sk_live_AbC.dEf+gH/i=", 'eyJhbGciOiJIUzI1NiJ9.e30.x"y\\z'])
async def test_a_key_in_another_field_is_redacted(path: Path, key: str) -> None:
    """The caller's own key of any form, and text that looks like a key."""
    given = {"name": f"my key is {key}!", "type": "webcam"}
    actor = f"a bot of some moderators, for {key}"
    (line,) = await written(path, "create_source", given, key=key, actor=actor)
    assert line["arguments"] == {**STUDIO, "name": "my key is [key]!", "type": "webcam"}
    assert line["actorClaimed"] == "a bot of some moderators, for [key]"
    other = {"name": "sk_live_somebody.else's", "type": "webcam"}
    *_, line = await written(path, "create_source", other, key=key)
    assert line["arguments"]["name"] == "[key]'s"


async def test_redacting_a_short_key_reveals_no_other_key_and_changes_no_other_field(
    path: Path,
) -> None:
    """If a key is part of another key, the whole other key is redacted."""
    given = {"name": "sk_live_of_others", "type": "webcam"}
    (line,) = await written(path, "create_source", given, key="live")
    assert line["arguments"]["name"] == "[key]"
    *_, line = await written(path, "update_source", {**SOURCE, "active": True}, key="e")
    assert (line["event"], line["operation"]) == ("decided", "update_source")
    assert line["caller"] == fingerprint("e")
    assert line["time"].startswith("2026-")


ADDRESSES: Final = {
    "https://me:pa55@host.example/feed?token=live-4711": "...",
    "https://host.example/feed?token=live-4711": "https://host.example/...",
    "rtmp://host.example:1935/live-4711": "rtmp://host.example/...",
    "rtmp://me:pa55@host.example/live-4711": "...",
    r"https://host.example\@youtube.com/": "...",
    "https://[live-4711": "...",
    "live-4711": "...",
}
"""Addresses, and what the log holds of each: the scheme, and a host that is clear."""


async def test_secrets_among_the_arguments_are_masked(path: Path) -> None:
    """A stream key completely; an address, except for its scheme and a host that is clear."""
    lines = await written(path, "update_source", *({**SOURCE, "url": it} for it in ADDRESSES))
    assert [line["arguments"]["url"] for line in lines] == [*ADDRESSES.values()]
    given = {"destId": "dest_1", "streamKey": "live-4711"}
    address = {"rtmpUrl": "rtmps://host.example/a/live-4711"}
    line = (await written(path, "update_destination", {**given, **address}))[-1]
    assert line["arguments"]["streamKey"] == "**********"
    assert line["arguments"]["rtmpUrl"] == "rtmps://host.example/..."
    assert "live-4711" not in text_in(path)
    assert "pa55" not in text_in(path)


async def test_a_stream_key_in_another_argument_is_redacted(path: Path) -> None:
    """Also within a longer text, in the host of an address and in the name of the actor."""
    key = "LIVE-4711.aBc"
    given = {
        "name": f"Stage {key}!",
        "platform": "custom",
        "rtmpUrl": f"rtmps://{key}.example/app",
        "streamKey": key,
    }
    (line,) = await written(path, "create_destination", given, actor=f"a bot, {key}")
    assert key.lower() not in text_in(path).lower()
    assert line["actorClaimed"] == "a bot, [key]"
    assert line["arguments"]["name"] == "Stage [key]!"


async def test_a_key_at_the_end_of_a_shortened_text_leaves_no_part(path: Path) -> None:
    """Keys are redacted before texts are shortened, wherever the text ends."""
    key = "canary" * 80
    texts = ["x" * length + key + "\N{CLAPPER BOARD}" * 1_000 for length in range(0, 512, 64)]
    calls = [{"text": text} for text in texts]
    lines = await written(path, "send_chat_message", *calls, key=key)
    assert all(line["arguments"]["text"].endswith("…") for line in lines)
    assert "canary" not in text_in(path)
