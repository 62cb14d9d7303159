"""How things are named when a person is asked: strangers' names are words, and never more.

Pure. What is said about each operation is in `test_preview`.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

import pytest
from pydantic import SecretStr

from tests.around import EVERYTHING, LIVE, account, but, place, source, studio
from trax_mcp.api.operations import (
    CreateDestination,
    CreateMediaUpload,
    CreateSource,
    CreateStudio,
    DeleteDestination,
    DeleteSource,
    GoLive,
    GoOffline,
    SendChatMessage,
    UnlinkConnection,
    UpdateDestination,
    UpdateSource,
    UpdateStudio,
)
from trax_mcp.consent.preview import Preview, preview
from trax_mcp.studio.target import Target

if TYPE_CHECKING:
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation

S: Final = {"studio_id": "s"}
GO_LIVE: Final = GoLive(**S)
KEY: Final = SecretStr("live-4711-do-not-print")

OPERATIONS: Final[list[Operation[Model]]] = [
    GO_LIVE,
    GoOffline(**S),
    DeleteDestination(**S, dest_id="d1"),
    DeleteSource(**S, source_id="c1"),
    UnlinkConnection(connection_id="a1"),
    UpdateStudio(**S, name="N", auto_go_live=True),
    UpdateDestination(**S, dest_id="d1", name="N", platform="kick", rtmp_url="rtmp://a.example"),
    UpdateSource(**S, source_id="c1", name="N", url="rtmp://a.example"),
    CreateDestination(**S, name="N", platform="kick", rtmp_url="rtmp://a.example", stream_key=KEY),
    CreateDestination(**S, name="N", platform="kick", connection_id="a1"),
    CreateSource(**S, name="N", type="rtmp", url="rtmp://a.example"),
    SendChatMessage(**S, text="Hello", platforms=("youtube",)),
    CreateStudio(name="N"),
    CreateMediaUpload(filename="a", content_type="b", byte_size=1, folder="c"),
]
"""Every operation that can be shown, with every text that it can hold."""


@pytest.mark.parametrize(
    ("platforms", "choice"),
    [
        ((), "Take Friday Show live"),
        (("kick",), "Take Friday Show live on Kick"),
        (("Facebook", "custom"), "Take Friday Show live on Facebook and custom"),
        (("youtube", "twitch", "youtube"), "Take Friday Show live on YouTube and Twitch"),
        (("kick", "twitch", "mine"), "Take Friday Show live on Kick, Twitch and mine"),
    ],
)
def test_the_choice_names_each_platform_once(platforms: tuple[str, ...], choice: str) -> None:
    """As they write themselves, where we know; in the order of the destinations."""
    places = tuple(place(f"d{number}", "D", it) for number, it in enumerate(platforms))
    assert preview(GO_LIVE, but(destinations=places)).choice == choice


STRANGE: Final = {
    "lines": (
        "A\nGoes out on nothing.\r\n\u2028B",
        r"A\u000aGoes out on nothing.\u000d\u000a\u2028B",
    ),
    "direction": ("\u202eevil\u202c\u2066x\u200f", r"\u202eevil\u202c\u2066x\u200f"),
    "invisible": (
        "a\u200bb\u200d\ufeff\x00\x1b[31m\x85",
        r"a\u200bb\u200d\ufeff\u0000\u001b[31m\u0085",
    ),
    "quotes": ('"Main" (YouTube).', r"\"Main\" (YouTube)."),
    "backslash": (r"\u202e", r"\\u202e"),
    "braces": ("{name}{where}{0}%s$x", "{name}{where}{0}%s$x"),
    "length": ("x" * 300, "x" * 79 + "…"),
    "just so": ("x" * 80, "x" * 80),
    "markup": ("- [x](y) `z` <b>", "- [x](y) `z` <b>"),
    "letters": ("Grüße 日本 \U0001f44b", "Grüße 日本 \U0001f44b"),
}
"""A stranger's name, and how it stands in our sentences."""


@pytest.mark.parametrize("kind", STRANGE)
def test_a_name_is_one_visible_short_word_wherever_it_stands(kind: str) -> None:
    """Of a studio, a destination, a source, an account and a platform; in no way more than that."""
    name, shown = STRANGE[kind]
    facts = but(
        studio=studio(name),
        destinations=(place("d1", name, name),),
        sources=(source("c1", name, name),),
        connections=(account("a1", name, name, name),),
    )
    told = preview(GO_LIVE, facts)
    where = f'"{shown}" ({shown})'
    assert told == Preview(
        "go_live",
        Target("s", name),
        effects=(
            f'Starts a broadcast of "{shown}" that anyone can watch.',
            f"Goes out on {where}.",
            f"Can be on screen: {where}.",
        ),
        warnings=(f'The {shown} account "{shown}" is {shown}: {where} may fail.',),
        unknown=(),
        choice=f"Take {shown} live on {shown}",
        digest=told.digest,
    )
    assert all(_is_visible(line) for line in (*told.shown, told.choice))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda it: it.tool_name)
@pytest.mark.parametrize("kind", STRANGE)
def test_no_line_of_any_operation_is_more_than_one(operation: Operation[Model], kind: str) -> None:
    """Whatever names are around it, and whatever texts the model itself puts in."""
    name, _ = STRANGE[kind]
    facts = but(
        studio=studio(name),
        destinations=(place("d1", name, name),),
        sources=(source("c1", name, name),),
        connections=(account("a1", name, name, name),),
        around=(but(studio=studio(name), destinations=(place("d1", name, name),)),),
    )
    texts = {
        field: name
        for field, value in operation
        if isinstance(value, str) and not field.endswith("_id")
    }
    told = preview(operation.model_copy(update={**texts, **_platforms(operation, name)}), facts)
    assert all(_is_visible(line) for line in (*told.shown, told.choice))


def _platforms(operation: Operation[Model], name: str) -> dict[str, tuple[str, ...]]:
    return {"platforms": (name,)} if isinstance(operation, SendChatMessage) else {}


def _is_visible(line: str) -> bool:
    return not any(unicodedata.category(it) in {"Cc", "Cf", "Zl", "Zp"} for it in line)


@pytest.mark.parametrize("length", [1, 80, 81, 500, 501, 5000])
def test_the_callers_own_words_are_shown_whole(length: int) -> None:
    """However many: a tail that nobody was shown is nothing that they agreed to."""
    words = f"{'x' * (length - 1)}!"
    chat = preview(SendChatMessage(**S, text=words), EVERYTHING)
    assert chat.effects == (f'Says in the public chat of "Friday Show": "{words}".',)
    address = preview(UpdateDestination(**S, dest_id="d1", rtmp_url=words), EVERYTHING)
    assert any(line.endswith(f' to "{words}".') for line in address.effects)


@pytest.mark.parametrize(
    "operation",
    [
        UpdateDestination(**S, dest_id="d1", stream_key=KEY),
        CreateDestination(
            **S, name="N", platform="kick", rtmp_url="rtmp://e.example", stream_key=KEY
        ),
    ],
    ids=lambda it: it.tool_name,
)
def test_a_stream_key_is_nowhere(operation: Operation[Model]) -> None:
    """Not in what is shown, nor where a value happens to be printed."""
    told = preview(operation, LIVE)
    assert KEY.get_secret_value() not in f"{told!r}{told.shown}{operation!r}{operation}"
