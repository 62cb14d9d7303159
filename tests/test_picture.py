"""The picture in README is of a session that there is, and can be shown wherever README is."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from tests.picture import PICTURE, drawn, excerpt, played
from trax_mcp.cli import toolbox

if TYPE_CHECKING:
    import pytest

SVG: Final = "{http://www.w3.org/2000/svg}"
HURRIED: Final = (sys.executable, "-m", "tests.crooked_server", "straight")
"""The demo's server on a sandbox whose clock is moved by calls, so that nobody waits."""


def timeless(picture: str) -> str:
    """A picture without what differs each time: how long it took."""
    return re.sub(r"\d+\.\d s after", "0.0 s after", picture)


def test_the_picture_is_what_the_demo_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every word, colour and place of it. `python -m tests.picture` draws it anew."""
    monkeypatch.setattr(toolbox, "PAUSE_SECONDS", 0)
    monkeypatch.delenv("NO_COLOR", raising=False)
    now = drawn(excerpt(played(HURRIED)))
    assert timeless(PICTURE.read_text(encoding="utf-8")) == timeless(now)


def test_the_picture_needs_nothing_else() -> None:
    """No script, no style sheet, no font file, no address: a page may show it as it is."""
    text = PICTURE.read_text(encoding="utf-8")
    assert {it.tag for it in ET.fromstring(text).iter()} == {  # noqa: S314  our own file
        f"{SVG}{name}" for name in ("svg", "title", "rect", "text")
    }
    assert re.findall(r"\w+://[^\"]+|url\(|href|<!|@", text) == ["http://www.w3.org/2000/svg"]
