"""What is made from the code is up to date: `make docs` writes it."""

from __future__ import annotations

import re

import pytest

from tests import ROOT
from tools.docs.parts import WRITERS, difference
from tools.docs.picture import PICTURE, STATES


@pytest.mark.parametrize("part", WRITERS)
def test_each_part_is_as_the_code_makes_it(part: str) -> None:
    """Tables of pages, the manifest's lists, schemas, quoted exchanges and the picture."""
    assert difference(part) == "", "run `make docs`"


@pytest.mark.parametrize("picture", [PICTURE, *STATES])
def test_a_picture_is_self_contained(picture: str) -> None:
    """It has no script, font file or link to anything outside it."""
    text = (ROOT / picture).read_text("utf-8")
    assert "<script" not in text
    outside = re.findall(r"\w+://[^\"<&:]+|url\((?!#)|href|<!|@", text)
    assert {*outside} <= {"http://www.w3.org/2000/svg", "https://trax.example"}
