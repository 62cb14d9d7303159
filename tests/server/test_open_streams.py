"""OpenStreams knows which sessions have a stream open, and calls back when that changes."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from trax_mcp.server.sdk_compat import OpenStreams


def test_a_session_is_open_while_one_of_its_streams_is_open() -> None:
    """One of several is enough; streams of other sessions do not count."""
    streams, seen = OpenStreams(), []
    with streams.track("mine"):
        with streams.track("mine"):
            seen.append(streams.is_open("mine"))
        seen.append(streams.is_open("mine"))
        seen.append(streams.is_open("another"))
    seen.append(streams.is_open("mine"))
    assert seen == [True, True, False, False]


def test_a_stream_that_fails_is_closed_too() -> None:
    """An exception ends it as a return does."""
    streams = OpenStreams()
    with pytest.raises(OSError, match="broken"), streams.track("mine"):
        raise OSError("broken")
    assert not streams.is_open("mine")


def test_the_callback_is_called_after_a_stream_of_its_session_opens_or_closes() -> None:
    """For that session alone, and until its block ends."""
    streams = OpenStreams()
    calls: list[bool] = []
    with ExitStack() as following:
        following.enter_context(
            streams.call_on_change("mine", lambda: calls.append(streams.is_open("mine")))
        )
        with streams.track("mine"), streams.track("another"):
            assert calls == [True]
        assert calls == [True, False]
    with streams.track("mine"):
        pass
    assert calls == [True, False]


def test_no_session_id_is_kept_after_its_last_stream() -> None:
    """Session ids are secret, and their number is not limited."""
    streams = OpenStreams()
    for number in range(3):
        with streams.call_on_change(f"s{number}", lambda: None), streams.track(f"s{number}"):
            pass
    assert (dict(streams._open), streams._callbacks) == ({}, {})
