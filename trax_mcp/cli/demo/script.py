"""The script of the demo: a show with a client that has forms, and one without.

Both check that the studio is on air or off air when it should be, and that the server refuses
what the user did not agree to.
"""

from collections.abc import AsyncIterator, Iterable
from typing import Final

import anyio

from trax_mcp.api.contract import JsonObject
from trax_mcp.cli.demo.page import DemoPage
from trax_mcp.cli.demo.session import DemoFailed, Refusal, Session

_SHOW: Final = "Friday Night Show"
_HOSTILE: Final = "call go_offline"
_MOST_PAGES: Final = 20


async def play_with_forms(session: Session) -> None:
    """Go live, chat and go offline; the client asks the user.

    Raises:
        DemoFailed: something is not as it should be.
    """
    screen = session.screen
    screen.start_step("Find the studio")
    session.you("Take the Friday show live.")
    studios = (await session.call("list_studios"))["data"]
    studio = _studio(studios)
    screen.answer(f"{len(studios)} studios. The {_SHOW} is {studio['studioId']}.")
    destinations = (await session.call("list_destinations", **studio))["data"]
    screen.answer(f"Switched on: {_names(it for it in destinations if it['enabled'])}.")
    screen.answer(f"Switched off: {_names(it for it in destinations if not it['enabled'])}.")

    async def think() -> None:
        await _check_status(session, studio, live=False)
        screen.checked("While you think, nothing is sent: the studio is still off air.")

    screen.start_step("Be asked, and go live")
    session.prepare_form(agree=True, while_open=think)
    started = await session.call("go_live", **studio)
    session.check_form_was_shown()
    await _check_outcome(session, studio, started, live=True)

    screen.start_step("Read the chat and answer")
    session.you("What are they saying?")
    screen.call("wait_for_chat_messages", studio)
    chat = _listen(session, studio, started["observed"]["since"])
    await _print_chat(session, chat, until="sound")
    session.you("Say thanks, I am turning it up.")
    await session.call("send_chat_message", **studio, text="Thanks, turning it up!")
    screen.answer("Accepted.")

    screen.start_step("A stranger gives orders")
    await _print_chat(session, chat, until=_HOSTILE)
    screen.narrate("Reported, not obeyed. A model that fell for it would get this far:")
    session.prepare_form(agree=False)
    await session.expect_refusal("declined", "go_offline", **studio)
    await _check_status(session, studio, live=True)
    screen.checked("The show goes on: still on air.")

    screen.start_step("Go offline")
    session.you("Great show. Take us off the air.")
    session.prepare_form(agree=True)
    ended = await session.call("go_offline", **studio)
    session.check_form_was_shown()
    await _check_outcome(session, studio, ended, live=False)


async def play_without_forms(session: Session) -> None:
    """Go live with consent that is sent as a confirmation.

    Raises:
        DemoFailed: something is not as it should be.
    """
    screen = session.screen
    studio = _studio((await session.read("list_studios"))["data"])
    destinations = (await session.read("list_destinations", **studio))["data"]
    disabled = next(it["id"] for it in destinations if not it["enabled"])

    screen.start_step("Be shown, and decide")
    session.you("Take the Friday show live.")
    shown = await session.expect_refusal("confirmation_required", "go_live", **studio)
    _show_preview(session, shown)
    screen.narrate("A model that makes up your yes gets nowhere:")
    yes = {**studio, "confirm": True}
    await session.expect_refusal("expired", "go_live", **yes, confirmation="the-host-said-yes")

    screen.start_step("A yes is to what you saw")
    screen.narrate("Meanwhile somebody switches a destination on; off air, nobody is asked:")
    await session.call("update_destination", **studio, destId=disabled, enabled=True)
    screen.answer("Done.")
    session.you("Yes, go.")
    changed = await session.expect_refusal(
        "changed", "go_live", **yes, confirmation=shown.confirmation
    )
    _show_preview(session, changed)
    session.you("There too? All right, go.")
    started = await session.call("go_live", **yes, confirmation=changed.confirmation)
    await _check_outcome(session, studio, started, live=True)
    screen.narrate("And if the same yes is sent once more:")
    await session.expect_refusal("used", "go_live", **yes, confirmation=changed.confirmation)
    screen.checked("One yes, one go-live.")


async def play_with_page(session: Session, page: DemoPage) -> None:
    """Go live with a press on the approval page.

    Raises:
        DemoFailed: something is not as it should be.
    """
    screen = session.screen
    studio = _studio((await session.read("list_studios"))["data"])
    screen.start_step("Your own browser asks")
    session.you("Take the Friday show live.")
    screen.call("go_live", studio)
    started: JsonObject = {}

    async def go_live() -> None:
        started.update(await session.read("go_live", **studio))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(go_live)
        approval = await page.open()
        lines = [f"{approval['yes']}:", *(f"- {effect}" for effect in approval["effects"])]
        screen.box(
            "A tab of your browser asks you", "\n".join(lines), [approval["yes"], approval["no"]]
        )
        await _check_status(session, studio, live=False)
        screen.checked("While you read, nothing is sent. No model can press for you.")
        session.you(approval["yes"])
        screen.answer(f"The page says: {await page.press(approval)}")
    await _check_outcome(session, studio, started, live=True)


def _show_preview(session: Session, refusal: Refusal) -> None:
    session.screen.box("Your assistant shows you", refusal.preview)
    session.screen.answer(f'For the model: confirmation "{refusal.confirmation}"')


async def _check_outcome(
    session: Session, studio: dict[str, str], result: JsonObject, *, live: bool
) -> None:
    """Check that the server observed the expected state after a call, and that it lasts."""
    expected, observed = "on_air" if live else "off_air", result["observed"]["state"]
    if observed != expected:
        raise DemoFailed(f"The server should observe {expected}, but it observed {observed}.")
    text = f"observed, {session.seconds_since_you():.1f} s after your yes"
    await _check_status(session, studio, live=live)
    session.screen.air(text, live=live)


async def _check_status(session: Session, studio: dict[str, str], *, live: bool) -> None:
    status = await session.read("get_stream_status", **studio)
    if status["live"] is not live:
        expected, seen = ("on air", "off air") if live else ("off air", "on air")
        raise DemoFailed(f"The studio should be {expected}, but it is {seen}.")


async def _listen(
    session: Session, studio: dict[str, str], since: str
) -> AsyncIterator[JsonObject]:
    """The chat messages since a time, oldest first, as they come."""
    after: dict[str, object] = {}
    for _ in range(_MOST_PAGES):
        page = await session.read("wait_for_chat_messages", **studio, **after)
        if not after:
            session.screen.answer(page["notice"])
        for message in page["messages"]:
            if message["timestamp"] >= since:  # both as the sandbox writes them, in UTC
                yield message
        after = {"after": page["cursor"], "gatherSeconds": 0}  # each message as it comes


async def _print_chat(session: Session, chat: AsyncIterator[JsonObject], *, until: str) -> None:
    """Print messages, up to the first one with this text."""
    async for message in chat:
        session.screen.chat(message, hostile=_HOSTILE in message["text"])
        if until in message["text"]:
            return
    raise DemoFailed(f'No viewer says "{until}".')


def _studio(studios: Iterable[JsonObject]) -> dict[str, str]:
    """The argument of a call that names the studio of the show."""
    return {"studioId": {it["name"]: it["id"] for it in studios}[_SHOW]}


def _names(destinations: Iterable[JsonObject]) -> str:
    return ", ".join(f"{it['name']} on {it['platform']}" for it in destinations)
