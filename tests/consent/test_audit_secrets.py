"""Secrets that the audit log never contains: API keys in any field, and stream keys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from pydantic import SecretStr

from trax_mcp.api.caller import Caller
from trax_mcp.api.operations import (
    CreateDestination,
    CreateSource,
    DeleteSource,
    SendChatMessage,
    UpdateDestination,
    UpdateSource,
)
from trax_mcp.consent.audit import Actor, Audit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.product.shared_clock import HandClock

ACTOR: Final = Actor(Caller("sk_live_of_the_audit"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of the audit log. The file does not exist yet."""
    return tmp_path / "audit.jsonl"


def lines(path: Path) -> list[dict[str, Any]]:
    """All lines."""
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("key", ["sk_live_AbC.dEf+gH/i=", 'eyJhbGciOiJIUzI1NiJ9.e30.x"y\\z'])
def test_a_key_in_another_field_is_redacted(path: Path, clock: HandClock, key: str) -> None:
    """The caller's own key of any form, and text that looks like a key."""
    actor = Actor(Caller(key), claimed_name=f"a bot of some moderators, for {key}")
    named = CreateSource(studio_id=key, name=f"my key is {key}!", type="webcam")
    Audit(path, clock).write("decided", named, actor, reason="sk_live_somebody.else's")
    (line,) = lines(path)
    assert line["arguments"] == {"studioId": "[key]", "name": "my key is [key]!", "type": "webcam"}
    assert line["actorClaimed"] == "a bot of some moderators, for [key]"
    assert line["reason"] == "[key]'s"


def test_redacting_a_short_key_reveals_no_other_key(path: Path, clock: HandClock) -> None:
    """If a key is part of another key, the whole other key is redacted."""
    named = CreateSource(studio_id="studio_42", name="sk_live_of_others", type="webcam")
    Audit(path, clock).write("decided", named, Actor(Caller("live")))
    assert lines(path)[0]["arguments"]["name"] == "[key]"


def test_a_key_of_one_letter_changes_no_other_field(path: Path, clock: HandClock) -> None:
    """Event, operation, verdict, caller and time stay readable."""
    actor = Actor(Caller("e"))
    deletion = DeleteSource(studio_id="studio_42", source_id="source_1")
    Audit(path, clock).write("decided", deletion, actor, verdict="NeedsConfirmation")
    (line,) = lines(path)
    assert (line["event"], line["operation"], line["verdict"]) == (
        "decided",
        "delete_source",
        "NeedsConfirmation",
    )
    assert line["caller"] == actor.caller.fingerprint
    assert line["time"].startswith("2026-")


def test_secrets_among_the_arguments_are_masked(path: Path, clock: HandClock) -> None:
    """A stream key completely; an address, except for its scheme and a host that is clear."""
    audit = Audit(path, clock)
    key = SecretStr("live-4711")
    place = {"studio_id": "s", "name": "N", "platform": "custom"}
    for operation in (
        CreateDestination(**place, rtmp_url="rtmps://host.example/a/live-4711", stream_key=key),
        UpdateDestination(
            studio_id="s", dest_id="d", rtmp_url="rtmp://host.example:1935/live-4711"
        ),
        UpdateSource(
            studio_id="s", source_id="c", url="https://me:pa55@host.example/feed?token=live-4711"
        ),
        UpdateSource(studio_id="s", source_id="c", url="rtmp://me:pa55@host.example/live-4711"),
        UpdateSource(studio_id="s", source_id="c", url=r"https://host.example\@youtube.com/"),
        UpdateSource(studio_id="s", source_id="c", url="https://[live-4711"),
        UpdateSource(studio_id="s", source_id="c", url="live-4711"),
    ):
        audit.write("decided", operation, ACTOR)
    arguments = [line["arguments"] for line in lines(path)]
    assert [it.get("rtmpUrl") or it.get("url") for it in arguments] == [
        "rtmps://host.example/...",
        "rtmp://host.example/...",
        "https://host.example/...",
        "...",
        "...",
        "...",
        "...",
    ]
    assert arguments[0]["streamKey"] == "**********"
    text = path.read_text()
    assert "live-4711" not in text
    assert "pa55" not in text


def test_a_stream_key_in_another_argument_is_redacted(path: Path, clock: HandClock) -> None:
    """Also within a longer text, in the host of an address and in the name of the actor."""
    key = "LIVE-4711.aBc"
    named = CreateDestination(
        studio_id=key,
        name=f"Stage {key}!",
        platform="custom",
        rtmp_url=f"rtmps://{key}.example/app",
        stream_key=SecretStr(key),
    )
    Audit(path, clock).write("decided", named, Actor(ACTOR.caller, claimed_name=f"a bot, {key}"))
    assert key.lower() not in path.read_text().lower()
    (line,) = lines(path)
    assert line["actorClaimed"] == "a bot, [key]"
    assert line["arguments"]["studioId"] == "[key]"
    assert line["arguments"]["name"] == "Stage [key]!"


def test_a_key_at_the_end_of_a_shortened_text_leaves_no_part(path: Path, clock: HandClock) -> None:
    """Keys are redacted before texts are shortened, wherever the text ends."""
    key = "canary" * 80
    for length in range(0, 512, 32):
        text = "x" * length + key + "\N{CLAPPER BOARD}" * 1_000
        message = SendChatMessage(studio_id="studio_42", text=text)
        Audit(path, clock).write("decided", message, Actor(Caller(key)))
    shortened = [line["arguments"]["text"] for line in lines(path)]
    assert all(it.endswith("…") for it in shortened)
    assert "canary" not in path.read_text()
