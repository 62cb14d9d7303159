"""A person's yes to a stop, as a signed word: who can read it, and what it says."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trax_mcp.consent.stop_token import StopToken, sign_stop

KEY: Final = "trax_live_one"
STUDIO: Final = "studio_42"
UNTIL: Final = 1_780_000_000.5
YES: Final = "Go offline: Friday Show"

FOR_PERSON: Final = sign_stop(
    key=KEY, studio_id=STUDIO, until=UNTIL, choice=YES, is_for_model=False
)
FOR_MODEL: Final = sign_stop(key=KEY, studio_id=STUDIO, until=UNTIL, choice=YES, is_for_model=True)
BODY, _, SIGNATURE = FOR_PERSON.rpartition(".")


def read(text: str | None, *, key: str = KEY) -> StopToken | None:
    """What is read, by default with the key that it was signed with."""
    return StopToken.read(text, key=key)


def with_part(index: int, part: str) -> str:
    parts = FOR_PERSON.split(".")
    return ".".join((*parts[:index], part, *parts[index + 1 :]))


@pytest.mark.parametrize(
    ("text", "is_for_model"),
    [(FOR_PERSON, False), (FOR_MODEL, True)],
    ids=["for a person", "for a model"],
)
def test_a_token_says_for_what_until_when_and_who_brings_its_yes(
    text: str, *, is_for_model: bool
) -> None:
    """To the millisecond, and with the choice that a person was offered."""
    token = read(text)
    assert token is not None
    assert (token.studio_id, token.until, token.is_for_model) == (STUDIO, UNTIL, is_for_model)
    offered = (YES, None, "", "Go offline: Other Show", YES.lower(), f"{YES} ")
    assert [it for it in offered if token.has_choice(it)] == [YES]


OTHERS: Final[dict[str, str | None]] = {
    "none": None,
    "nothing": "",
    "a word": "stop",
    "a question's id": "kq3bq0Qm1n2pTtTt_8Yq-w",
    "no signature": BODY,
    "an empty signature": f"{BODY}.",
    "half a signature": FOR_PERSON[:-1],
    "more behind it": f"{FOR_PERSON}0",
    "a signature in capitals": f"{BODY}.{SIGNATURE.upper()}",
    "of another token": f"{FOR_MODEL.rpartition('.')[0]}.{SIGNATURE}",
    "another purpose": with_part(0, "start"),
    "a later end": with_part(1, f"{int(UNTIL * 1000) + 1:x}"),
    "the studio of another": with_part(2, "c3R1ZGlv"),
    "another choice": with_part(3, "0" * 12),
    "for the model": with_part(4, "model"),
    "another number": with_part(5, "0" * 12),
    "a part more": f"{BODY}.0.{SIGNATURE}",
    "blanks around it": f" {FOR_PERSON} ",
    "not ASCII": f"{BODY}.{SIGNATURE[:-1]}é",
}
"""Texts that nobody has signed with the key."""


@pytest.mark.parametrize("kind", OTHERS)
def test_a_text_that_was_not_signed_with_the_key_is_no_token(kind: str) -> None:
    text = OTHERS[kind]
    assert not StopToken.is_signed(text, key=KEY)
    assert read(text) is None


@pytest.mark.parametrize("key", ["", "trax_live_two", f"{KEY} "])
def test_a_token_counts_for_one_key(key: str) -> None:
    assert read(FOR_PERSON, key=key) is read(FOR_MODEL, key=key) is None
    assert not StopToken.is_signed(FOR_PERSON, key=key)


@given(st.text())
def test_every_id_of_a_studio_is_read_back(studio: str) -> None:
    token = read(sign_stop(key=KEY, studio_id=studio, until=UNTIL, choice="", is_for_model=True))
    assert token is not None
    assert token.studio_id == studio


def test_no_two_tokens_are_alike() -> None:
    """Each is good once, also if two are signed in the same moment."""
    tokens = {
        sign_stop(key=KEY, studio_id=STUDIO, until=UNTIL, choice=YES, is_for_model=True)
        for _ in range(9)
    }
    assert len(tokens) == 9


def test_a_token_reveals_neither_key_nor_choice() -> None:
    assert not any(it in FOR_PERSON for it in (KEY, "Friday"))


@given(
    st.integers(0, len(FOR_PERSON) - 1), st.characters(codec="utf-8"), st.sampled_from(["", "x"])
)
def test_no_character_can_be_changed(at: int, other: str, also: str) -> None:
    changed = f"{FOR_PERSON[:at]}{other}{also}{FOR_PERSON[at + 1 :]}"
    assert (read(changed) is None) is (changed != FOR_PERSON)


@given(st.text(st.characters(), max_size=100))
def test_every_text_can_be_tried(text: str) -> None:
    assert read(text) is None
    assert read(f"stop.{text}") is None


@pytest.mark.parametrize("body", ["stop.1", "stop.x.c3R1ZGlv.c.model.n", "stop.1._.c.model.n"])
def test_what_a_caller_signs_themselves_ends_in_no_error(body: str) -> None:
    """They know their key, and can make any text of it."""
    signature = hmac.new(KEY.encode(), body.encode(), hashlib.sha256).hexdigest()[:32]
    assert StopToken.is_signed(f"{body}.{signature}", key=KEY)
    assert read(f"{body}.{signature}") is None
