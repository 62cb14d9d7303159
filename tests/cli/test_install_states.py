"""`trax-mcp install` and `uninstall` in every state, through pipes and on a terminal."""

from __future__ import annotations

import json
import re
import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.home_folder import COMMAND, KEY, SECRETS, Home, mode, without_ports
from tests.support.install_states import INSTALL_STATES
from tests.support.product.local_servers import upstream
from tests.support.snapshots import InstallStates
from tests.support.terminal_screen import draw

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from tests.support.install_states import InstallState

START_ARGUMENTS: Final = re.compile(r'(args(?:": | = ))\[[^\]]*\]')
"""Those of an entry: they depend on how this installation was made."""


@pytest.mark.parametrize("name", INSTALL_STATES)
async def test_each_state_is_shown_as_in_its_snapshot(
    name: str, snapshot: SnapshotAssertion
) -> None:
    """With the exit code, the files that it writes, and what it asks TRaX."""
    state = INSTALL_STATES[name]
    command = shlex.join(("trax-mcp", *state.arguments)).replace(KEY, "sk_live_...")
    text = (
        f"$ {command}\n"
        f"\n=== On a terminal\n\n{await run(state, terminal=True)}"
        f"\n=== Through pipes\n\n{await run(state, terminal=False)}"
    )
    assert text == snapshot.with_defaults(extension_class=InstallStates)


async def run(state: InstallState, *, terminal: bool) -> str:
    """Run the command in a home folder of its own; through pipes, stdout comes first.

    The path of the folder is always as long, so that lines break at the same words.
    """
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        home = Home(Path(folder))
        async with upstream() as sandbox:
            state.set_up_sandbox(sandbox)
            state.set_up_home(home, sandbox.base_url)
            before = home.file_stats()
            settings = {"TRAX_BASE_URL": sandbox.base_url, "COLUMNS": "80"}
            done = await home.run_beside(
                *state.arguments,
                typed=state.typed,
                chosen=state.chosen,
                terminal=terminal,
                settings={**settings, **state.settings},
            )
            after = home.file_stats()
        assert [it for it in SECRETS if it in done.out + done.err] == []
        assert set(before) <= set(after)
        parts = {"stdout": done.out, "stderr": done.err}
        piped = "\n".join(f"{name}:\n{text}" for name, text in parts.items() if text)
        files = [home.path / it for it in sorted(after) if after[it] != before.get(it)]
        written = [_described(it, home) for it in files if it.is_file()]
        asked = [f"{it.method} {it.path}" for it in sandbox.requests]
        shown = _with_placeholders(draw(done.out) if terminal else piped, home)
    return (
        f"{shown}\nexit code {done.code}; written: {', '.join(written) or 'nothing'};"
        f" asked of TRaX: {', '.join(asked) or 'nothing'}\n"
    )


def _described(file: Path, home: Home) -> str:
    """The path of a file, its mode, and whether a secret is in it."""
    text = file.read_text(encoding="utf-8")
    secret = ", with a secret" if any(it in text for it in SECRETS) else ""
    return f"{file.relative_to(home.path)} ({mode(file):o}{secret})"


def _with_placeholders(text: str, home: Home) -> str:
    text = without_ports(text.replace(str(home.path), "~"))
    text = text.replace(json.dumps(COMMAND)[1:-1], "/path/to/trax-mcp")
    text = text.replace(sys.prefix, "/path/to/.venv")
    return START_ARGUMENTS.sub(r"\1[...]", text)
