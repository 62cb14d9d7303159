"""The picture in README shows the demo's real output and is self-contained."""

from __future__ import annotations

import re

from tests.support.defective_server import play_fast
from tests.support.demo_picture import PICTURE, draw


def without_times(picture: str) -> str:
    """A picture without durations, which differ from run to run."""
    return re.sub(r"\d+\.\d&#160;s", "0.0&#160;s", picture)


def test_picture_shows_the_demo_output() -> None:
    """Text, colours and positions are equal; `tests.support.demo_picture` draws it again."""
    assert without_times(PICTURE.read_text(encoding="utf-8")) == without_times(draw(play_fast))


def test_picture_is_self_contained() -> None:
    """It has no script, font file or link to anything outside it."""
    text = PICTURE.read_text(encoding="utf-8")
    assert "<script" not in text
    outside = re.findall(r"\w+://[^\"]+|url\((?!#)|href|<!|@", text)
    assert outside == ["http://www.w3.org/2000/svg"]
