"""The file of sign-ins after its server was killed in the middle of its work."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests import ROOT
from tests.support.sign_in_setup import KEY, WallClock, grant_of, key_of, store_in

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

WRITER = """
import sys
from pathlib import Path
from tests.support.sign_in_setup import CLIENT, WallClock, grant_of, store_in
store = store_in(Path(sys.argv[1]), WallClock())
while True:
    kept = store.issue(grant_of())
    print("kept", kept.access_token, flush=True)
    tokens = store.refresh(store.issue(grant_of()).refresh_token, client_id=CLIENT.id)
    store.revoke(tokens.sign_in_id)
    print("revoked", tokens.access_token, flush=True)
"""


@pytest.mark.parametrize("lines", [1, 2, 40, 41, 80])
def test_a_killed_server_has_kept_every_sign_in_that_it_answered(
    tmp_path: Path, lines: int
) -> None:
    """A token that it gave is good, one that it revoked is not, and the next start needs nothing.

    It is killed while it writes: it does not wait until its lines are read.
    """
    with subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-c", WRITER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline().split() for _line in range(lines)]
        writer.kill()
    with closing(store_in(tmp_path, WallClock())) as store:
        keys = [(state, key_of(store, token)) for state, token in told]
        assert set(keys) <= {("kept", KEY), ("revoked", None)}
        again = store.issue(grant_of())
        assert key_of(store, again.access_token) == KEY
