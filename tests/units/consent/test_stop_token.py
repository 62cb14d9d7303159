"""A person's yes to a stop, as a signed text: who can read it, and what it says."""

from __future__ import annotations

import base64
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trax_mcp.consent.stop_token import LENGTH, StopToken, sign_stop

KEY: Final = "trax_live_one"
STUDIO: Final = "studio_42"
UNTIL: Final = 1_780_000_000.25
YES: Final = "Go offline: Friday Show"

FOR_PERSON: Final = sign_stop(
    key=KEY, studio_id=STUDIO, until=UNTIL, choice=YES, is_for_model=False
)
FOR_MODEL: Final = sign_stop(key=KEY, studio_id=STUDIO, until=UNTIL, choice=YES, is_for_model=True)


def read(text: str | None, *, key: str = KEY, studio_id: str = STUDIO) -> StopToken | None:
    """What is read, by default with the key and for the studio that it was signed for."""
    return StopToken.read(text, key=key, studio_id=studio_id)


def changed(at: int, bits: int = 1) -> str:
    """The token with another byte."""
    content = bytearray(base64.urlsafe_b64decode(FOR_PERSON[4:]))
    content[at] ^= bits
    return f"stop{base64.urlsafe_b64encode(bytes(content)).decode()}"


@pytest.mark.parametrize(
    ("text", "is_for_model"),
    [(FOR_PERSON, False), (FOR_MODEL, True)],
    ids=["for a person", "for a model"],
)
def test_a_token_says_until_when_and_who_brings_its_yes(text: str, *, is_for_model: bool) -> None:
    """To a hundredth of a second, and with the choice that a person was offered."""
    token = read(text)
    assert token is not None
    assert (token.until, token.is_for_model) == (UNTIL, is_for_model)
    offered = (YES, None, "", "Go offline: Other Show", YES.lower(), f"{YES} ")
    assert [it for it in offered if token.has_choice(it)] == [YES]


def test_a_token_is_short() -> None:
    """A model has to repeat it to the letter."""
    assert len(FOR_PERSON) == len(FOR_MODEL) == LENGTH == 32


OTHERS: Final[dict[str, str | None]] = {
    "none": None,
    "nothing": "",
    "a word": "stop",
    "a question's id": "kq3bq0Qm1n2pTtTt_8Yq-w",
    "half a signature": FOR_PERSON[:-1],
    "more behind it": f"{FOR_PERSON}0",
    "of another token": f"{FOR_MODEL[:16]}{FOR_PERSON[16:]}",
    "another purpose": f"play{FOR_PERSON[4:]}",
    "a later end": changed(4),
    "another choice": changed(5),
    "another number": changed(8),
    "another signature": changed(20),
    "no base64": f"{FOR_PERSON[:-1]}!",
    "blanks around it": f" {FOR_PERSON} ",
    "not ASCII": f"{FOR_PERSON[:-1]}é",
}
"""Texts that nobody has signed with the key."""


@pytest.mark.parametrize("kind", OTHERS)
def test_a_text_that_was_not_signed_with_the_key_is_no_token(kind: str) -> None:
    assert read(OTHERS[kind]) is None


@pytest.mark.parametrize("key", ["", "trax_live_two", f"{KEY} "])
def test_a_token_counts_for_one_key(key: str) -> None:
    assert read(FOR_PERSON, key=key) is read(FOR_MODEL, key=key) is None


@given(st.text())
def test_a_token_counts_for_one_studio(studio: str) -> None:
    given_for = sign_stop(key=KEY, studio_id=studio, until=UNTIL, choice="", is_for_model=True)
    assert read(given_for, studio_id=studio) is not None
    assert (read(given_for) is None) is (studio != STUDIO)
    assert (read(FOR_MODEL, studio_id=studio) is None) is (studio != STUDIO)


def test_no_two_tokens_are_alike() -> None:
    """Each is good once, even if two are signed in the same moment."""
    tokens = {
        sign_stop(key=KEY, studio_id=STUDIO, until=UNTIL, choice=YES, is_for_model=True)
        for _ in range(3)
    }
    assert len(tokens) == 3


@given(st.integers(0, LENGTH - 1), st.characters(codec="utf-8"), st.sampled_from(["", "x"]))
def test_no_character_can_be_changed(at: int, other: str, also: str) -> None:
    text = f"{FOR_PERSON[:at]}{other}{also}{FOR_PERSON[at + 1 :]}"
    assert (read(text) is None) is (text != FOR_PERSON)


@given(st.text(st.characters(), max_size=100))
def test_every_text_can_be_tried(text: str) -> None:
    assert read(text) is None
    assert read(f"stop{text:28.28}") is None


@pytest.mark.parametrize(
    ("text", "looks_so"),
    [(FOR_PERSON, True), (changed(20), True), ("an id", False), (None, False)],
    ids=["signed", "of somebody else", "another id", "none"],
)
def test_a_token_is_known_by_its_form(text: str | None, *, looks_so: bool) -> None:
    """Whoever signed it, for whatever studio."""
    assert StopToken.looks_like(text) is looks_so
