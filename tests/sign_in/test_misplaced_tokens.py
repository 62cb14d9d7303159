"""A token that is sent or typed in a wrong place is not repeated."""

from __future__ import annotations

import pytest

from trax_mcp.api.caller import ANONYMOUS, redact_keys
from trax_mcp.cli.main import main
from trax_mcp.sign_in.tokens import ACCESS_PREFIX, REFRESH_PREFIX, new_family, new_token


@pytest.mark.parametrize("prefix", [ACCESS_PREFIX, REFRESH_PREFIX])
def test_a_token_in_a_text_is_redacted(prefix: str) -> None:
    """As in a line of the log, or of the audit log."""
    token = new_token(prefix, new_family())
    assert redact_keys(f"studio/{token}, {token}x", ANONYMOUS) == "studio/[key], [key]x"
    assert redact_keys(f"{prefix}short", ANONYMOUS) == f"{prefix}short"


def test_a_command_does_not_repeat_a_token(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One who means to revoke it may type it after `list`."""
    token = new_token(REFRESH_PREFIX, new_family())
    monkeypatch.setattr("sys.argv", ["trax-mcp", "sign-in", "list", token])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr()
    assert ended.value.code == 2
    assert token not in told.out + told.err
    assert "[key]" in told.err
