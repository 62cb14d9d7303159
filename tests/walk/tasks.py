"""The tasks of the walk: what a person asks for, and the calls that it takes."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import anyio

from tests.support.product.sandbox import Line, Script
from tests.walk.assistant import Assistant

FRIDAY: Final = "studio_42"
COFFEE: Final = "studio_51"

_MINUTE: Final = 60.0
_MOST_OF_A_MINUTE: Final = 50
"""Messages, at one each second."""
_BUSY_CHAT: Final = Script(
    period=12,
    lines=tuple(
        Line(after, platform, author, author.lower(), text)
        for after, (platform, author, text) in enumerate(
            [
                ("youtube", "Ada", "We are on! Hello from Lisbon"),
                ("twitch", "old_timer", "first"),
                ("youtube", "Lin", "The sound is a little quiet here"),
                ("twitch", "night_owl", "who is the guest tonight?"),
                ("twitch", "old_timer", "same guest as in March, I think"),
                ("youtube", "Marguerite", "Bonsoir \u00e0 tous \u2615"),
                ("youtube", "Ada", "Better now, thank you"),
                ("twitch", "kestrel", "LOL"),
                ("youtube", "Lin", "Can you show the second camera again?"),
                ("twitch", "night_owl", "that intro is so good"),
                ("youtube", "Tomasz", "Is there a recording tomorrow?"),
                ("twitch", "kestrel", "hype hype hype"),
            ]
        )
    ),
)
"""A message each second, with its likes in any show of some size."""

Task = Callable[[Assistant], Awaitable[None]]


async def go_live_by_name(it: Assistant) -> None:
    """Do as told: "Take the Friday show live"."""
    studio = await _find(it, "the Friday show", FRIDAY)
    answer = await it.call_with_approval("go_live", studioId=studio)
    _check(answer["observed"]["state"] == "on_air", "the show is not seen on air")


async def check_four_shows(it: Assistant) -> None:
    """Answer "How do my shows stand?", where one of the four is on air."""
    await _put_on_air(it, FRIDAY)
    studios = (await it.call("check_studio"))["studios"]
    _check([it["live"] for it in studios] == [True, False, False, False], "one is not on air")
    _check(all(it["destinations"] and it["sources"] for it in studios), "details are missing")


async def follow_chat_for_a_minute(it: Assistant) -> None:
    """Do as told: "Read me what they say in the next minute"."""
    it.trax.world.script = _BUSY_CHAT
    await _put_on_air(it, FRIDAY)
    began = anyio.current_time()
    read = await it.call("wait_for_chat_messages", studioId=FRIDAY)
    messages = len(read["messages"])
    while anyio.current_time() < began + _MINUTE:
        more = {"after": read["cursor"], "gatherSeconds": 20, "limit": 200}
        read = await it.call("wait_for_chat_messages", studioId=FRIDAY, **more)
        _check(not read["missed"], "chat was missed")
        messages += len(read["messages"])
    _check(messages >= _MOST_OF_A_MINUTE, f"only {messages} messages were read")


async def stream_to_twitch_only(it: Assistant) -> None:
    """Go live without YouTube, which is switched on: "Only on Twitch today"."""
    found = await it.call("find_studio", query="the Friday show")
    off = [
        {"tool": "update_destination", "arguments": {"destId": its["id"], "enabled": False}}
        for its in found["details"]["destinations"]
        if its["enabled"] and its["platform"] != "twitch"
    ]
    changes = [*off, {"tool": "go_live", "arguments": {}}]
    answer = await it.call_with_approval("apply_changes", studioId=found["likely"], changes=changes)
    went_to = answer["changes"][-1]["answer"]["destinationIds"]
    _check(went_to == ["dest_2"], "it went to another destination")


async def show_the_guest_feed(it: Assistant) -> None:
    """Do as told, on air: "The guest feed in place of the camera"."""
    await _put_on_air(it, FRIDAY)
    found = await it.call("find_studio", query="the Friday show")
    ids = {its["name"]: its["id"] for its in found["details"]["sources"]}
    changes = [
        {"tool": "update_source", "arguments": {"sourceId": ids[name], "active": active}}
        for name, active in (("Guest feed", True), ("Host camera", False))
    ]
    answer = await it.call_with_approval("apply_changes", studioId=found["likely"], changes=changes)
    _check([its["outcome"] for its in answer["changes"]] == ["applied"] * 2, "it was not changed")


async def take_off_air(it: Assistant) -> None:
    """Do as told: "End the Friday show"."""
    await _put_on_air(it, FRIDAY)
    studio = await _find(it, "the Friday show", FRIDAY)
    answer = await it.call_with_approval("go_offline", studioId=studio)
    _check(answer["observed"]["state"] == "off_air", "the show is not seen off air")


async def add_destination(it: Assistant) -> None:
    """Do as told: "Add my Kick channel to the Friday show", with address and key."""
    studio = await _find(it, "the Friday show", FRIDAY)
    answer = await it.call_with_approval(
        "create_destination",
        studioId=studio,
        name="Kick",
        platform="kick",
        rtmpUrl="rtmps://kick.example/app",
        streamKey="sandbox-new-stream-key",
    )
    _check(answer["name"] == "Kick", "it was not added")


async def find_out_why_nobody_sees_it(it: Assistant) -> None:
    """Find that an account has expired: "Why can nobody see the coffee show?"."""
    await _put_on_air(it, COFFEE)
    studio = await _find(it, "the coffee show", COFFEE)
    (checked,) = (await it.call("check_studio", studioId=studio))["studios"]
    causes = [it["what"] for it in checked["problems"]]
    _check(any("needs a new sign-in" in it for it in causes), "the cause is not shown")


async def _find(it: Assistant, said: str, studio: str) -> str:
    """The id of the studio that a person means, which is `studio`."""
    found = await it.call("find_studio", query=said)
    _check(found.get("likely") == studio, f"{said} does not find {studio}")
    return studio


async def _put_on_air(it: Assistant, studio: str) -> None:
    """Start the stream beforehand; the sandbox shows it as live after a few seconds."""
    stream = it.trax.world.go_live(studio)
    await anyio.sleep(stream.live_since - it.trax.clock.now() + 1)


def _check(is_true: Any, otherwise: str) -> None:  # noqa: ANN401  any truth value
    """Check what a task must achieve."""
    assert is_true, otherwise


CALLS: Final[dict[Task, int]] = {
    go_live_by_name: 3,
    check_four_shows: 1,
    follow_chat_for_a_minute: 4,
    stream_to_twitch_only: 3,
    show_the_guest_feed: 3,
    take_off_air: 3,
    add_destination: 3,
    find_out_why_nobody_sees_it: 2,
}
"""Each task, and the calls that it takes."""
