"""The picture in README shows the demo's real output and is self-contained."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from tests.picture import PICTURE, draw, excerpt, run_demo
from trax_mcp.cli import checked_calls

if TYPE_CHECKING:
    import pytest

SVG: Final = "{http://www.w3.org/2000/svg}"
FAST_SERVER: Final = (sys.executable, "-m", "tests.crooked_server", "correct")
"""The demo's server on a sandbox whose clock advances with each call."""


def without_times(picture: str) -> str:
    """A picture without durations, which differ from run to run."""
    return re.sub(r"\d+\.\d s after", "0.0 s after", picture)


def test_picture_shows_the_demo_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text, colours and positions are equal; `python -m tests.picture` draws it again."""
    monkeypatch.setattr(checked_calls, "PAUSE_SECONDS", 0)
    monkeypatch.delenv("NO_COLOR", raising=False)
    drawn = draw(excerpt(run_demo(FAST_SERVER)))
    assert without_times(PICTURE.read_text(encoding="utf-8")) == without_times(drawn)


def test_picture_is_self_contained() -> None:
    """It has no script, style sheet, font file or link."""
    text = PICTURE.read_text(encoding="utf-8")
    assert {it.tag for it in ET.fromstring(text).iter()} == {  # noqa: S314  our own file
        f"{SVG}{name}" for name in ("svg", "title", "rect", "text")
    }
    assert re.findall(r"\w+://[^\"]+|url\(|href|<!|@", text) == ["http://www.w3.org/2000/svg"]
