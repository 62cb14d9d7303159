"""`trax-mcp install` in every state, through pipes and on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.home_folder import Home
from tests.support.install_states import (
    INSTALL_STATES,
    SNAPSHOTS,
    read_snapshot,
    run_in_state,
    snapshot,
    snapshot_file,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", INSTALL_STATES)
async def test_install_shows_each_state_as_in_its_snapshot(name: str, tmp_path: Path) -> None:
    """With the files that it writes. TRaX gets one read at most, no output has a key."""
    state = INSTALL_STATES[name]
    homes = [Home(tmp_path / it) for it in ("one", "two")]
    for home in homes:
        home.path.mkdir()
    pipes = await run_in_state(state, homes[0], terminal=False)
    terminal = await run_in_state(state, homes[1], terminal=True)
    assert snapshot(state, pipes, terminal) == read_snapshot(name)
    assert [pipes.code, terminal.code] == [state.code] * 2
    assert pipes.requests == terminal.requests
    assert pipes.requests in ([], [("GET", "/v1/studios")])


def test_every_install_snapshot_belongs_to_a_state() -> None:
    """And every state has a snapshot."""
    assert set(SNAPSHOTS.iterdir()) == {snapshot_file(name) for name in INSTALL_STATES}
