"""`trax-mcp install` and `uninstall` in every state, through pipes and on a terminal."""

from __future__ import annotations

import pytest

from tests.support.install_states import (
    INSTALL_STATES,
    SNAPSHOTS,
    read_snapshot,
    run_in_state,
    short_home,
    snapshot,
    snapshot_file,
)


@pytest.mark.parametrize("name", INSTALL_STATES)
async def test_each_state_is_shown_as_in_its_snapshot(name: str) -> None:
    """With the files that it writes. TRaX gets one read at most, no output has a key."""
    state = INSTALL_STATES[name]
    with short_home() as one, short_home() as two:
        pipes = await run_in_state(state, one, terminal=False)
        terminal = await run_in_state(state, two, terminal=True)
    assert snapshot(state, pipes, terminal) == read_snapshot(name)
    piped_code = state.code if state.piped_code is None else state.piped_code
    assert [pipes.code, terminal.code] == [piped_code, state.code]
    assert pipes.requests == terminal.requests or state.chosen
    assert terminal.requests in ([], [("GET", "/v1/studios")])


def test_every_install_snapshot_belongs_to_a_state() -> None:
    """And every state has a snapshot."""
    assert set(SNAPSHOTS.iterdir()) == {snapshot_file(name) for name in INSTALL_STATES}
