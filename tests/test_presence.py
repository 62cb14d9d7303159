"""OpenStreams knows which sessions have a stream open, and tells who minds when that changes."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from trax_mcp.server.open_streams import OpenStreams


def test_a_session_is_here_while_a_stream_of_it_is_open() -> None:
    """One of several is enough; and of another session none counts."""
    presence, seen = OpenStreams(), []
    with presence.opened("mine"):
        with presence.opened("mine"):
            seen.append(presence.is_here("mine"))
        seen.append(presence.is_here("mine"))
        seen.append(presence.is_here("another"))
    seen.append(presence.is_here("mine"))
    assert seen == [True, True, False, False]


def test_a_stream_that_breaks_is_closed_as_well() -> None:
    """However it ends."""
    presence = OpenStreams()
    with pytest.raises(OSError, match="broken"), presence.opened("mine"):
        raise OSError("broken")
    assert not presence.is_here("mine")


def test_who_minds_a_session_is_rung_when_a_stream_of_it_opens_or_closes() -> None:
    """After it is so, for that session alone, and no longer than it is minded."""
    presence = OpenStreams()
    rings: list[bool] = []
    with ExitStack() as minding:
        minding.enter_context(
            presence.heard_by("mine", lambda: rings.append(presence.is_here("mine")))
        )
        with presence.opened("mine"), presence.opened("another"):
            assert rings == [True]
        assert rings == [True, False]
    with presence.opened("mine"):
        pass
    assert rings == [True, False]


def test_nothing_is_kept_of_who_has_gone() -> None:
    """Session ids are secret, and there is no end of them."""
    presence = OpenStreams()
    for number in range(3):
        with presence.heard_by(f"s{number}", lambda: None), presence.opened(f"s{number}"):
            pass
    assert (dict(presence._open), presence._listening) == ({}, {})
