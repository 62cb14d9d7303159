"""Decides in which ways a person can be asked, one after the other. Pure.

What a client declares is not always what it draws. So `TABLE` says what each was seen to draw.
"""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from trax_mcp.actions.shown import Preview
from trax_mcp.consent.calls import Channel
from trax_mcp.consent.ways import Way, WaysToAsk
from trax_mcp.server.question_text import COLUMNS, ROWS, FormMessage, form_messages

MOST_FORMS: Final = 8
"""Clients give up a call after ten questions, and one may be asked again."""


class Drawn(NamedTuple):
    """What a client draws from this version on, and how that is known.

    `name` is that of its clientInfo, and at its end `*` stands for anything. It is empty where no
    such client was seen. `rows` of a form are shown, 0: too few to ask in one. `declares` is what
    it promises, and `draws_panel` whether the promise of a panel is kept. `declines_forms`: forms
    are promised and declined unseen. `is_remote`: it starts no server, so there is no page.
    `release` is what its users call the version, where it sends another. `command` is its name for
    `trax-mcp install` and `doctor`.
    """

    title: str
    name: str
    version: str
    source: str
    date: str
    declares: frozenset[Channel] = frozenset()
    rows: int = ROWS
    draws_panel: bool = True
    declines_forms: bool = False
    is_remote: bool = False
    release: str = ""
    command: str = ""

    def connected(self) -> "ConnectedClient":
        """Such a client, as it would connect."""
        has_form, has_panel = "form" in self.declares, "panel" in self.declares
        return ConnectedClient(self.name.rstrip("*"), self.version, has_form, has_panel)


_FORM: Final[frozenset[Channel]] = frozenset({"form"})
_PANEL: Final[frozenset[Channel]] = frozenset({"panel"})
_TRIED: Final = "tried in a terminal"

TABLE: Final[Sequence[Drawn]] = (
    Drawn(
        *("Claude Code", "claude-code", "2.1.233", _TRIED, "2026-12-01"),
        declares=_FORM,
        command="claude-code",
    ),
    Drawn(
        *("Claude Code", "claude-code", "2.1.250", _TRIED, "2026-12-01"),
        declares=_FORM,
        rows=0,  # one, and it hides the rest
        command="claude-code",
    ),
    Drawn(
        *("Claude Code", "claude-code", "2.1.332", _TRIED, "2026-12-01"),
        declares=_FORM,
        command="claude-code",
    ),
    # Both wrapped a message and drew all of it: 277 letters in a form, Copilot 900 above a link. Of
    # 2000 letters they hid a part at 24 rows. 12 rows, half of such a screen, leave room for the
    # choices: that is deduced, not measured.
    Drawn(
        *("Codex", "codex-mcp-client", "0.171.0", _TRIED, "2026-12-01"),
        declares=_FORM,
        rows=12,
        command="codex",
    ),
    Drawn(
        *("Copilot CLI", "copilot-cli", "1.0.102", _TRIED, "2026-12-01"),
        declares=_FORM,
        rows=12,
    ),
    Drawn(
        *("Gemini CLI", "", "0.61.0", _TRIED, "2026-12-01"),
        command="gemini-cli",
    ),
    Drawn(*("opencode", "opencode", "1.18.33", _TRIED, "2026-12-01")),
    Drawn(*("Cline CLI", "", "3.0.65", _TRIED, "2026-12-01")),
    Drawn(*("Continue CLI", "", "1.5.47", _TRIED, "2026-12-01")),
    Drawn(
        # It sends the same version in each release.
        *("Qwen Code", "qwen-cli-mcp-client*", "0.0.1", _TRIED, "2026-12-01"),
        declares=_PANEL,
        draws_panel=False,
        release="0.24.4",
    ),
    Drawn(
        *("Claude Code in VS Code, Claude Desktop's Code tab", "", ""),
        *("issues of its users", "2026-08"),
        declares=_FORM,
        declines_forms=True,
    ),
    Drawn(
        *("Claude Desktop", "", "", "the client matrix of MCP Apps", "2026-08"),
        declares=_PANEL,
        command="claude-desktop",
    ),
    Drawn(
        *("claude.ai", "", "", "an issue that shows what it declares", "2026-08"),
        declares=_PANEL,
        is_remote=True,
    ),
    Drawn(
        *("ChatGPT", "", "", "the client matrix of MCP Apps", "2026-08"),
        declares=_PANEL,
        is_remote=True,
    ),
    Drawn(
        *("Cursor", "", "", "its documentation", "2026-11"),
        declares=_FORM | _PANEL,
        command="cursor",
    ),
    Drawn(
        *("VS Code Copilot", "", "", "its documentation", "2026-11"),
        declares=_FORM | _PANEL,
        command="vscode",
    ),
    Drawn(*("Goose", "", "", "issues of its users", "2026-09"), declares=_FORM | _PANEL),
    Drawn(
        *("Windsurf", "", "", "its documentation, or its silence", "2026-11"), command="windsurf"
    ),
    Drawn(*("Zed", "", "", "its documentation, or its silence", "2026-11"), command="zed"),
    Drawn(*("JetBrains AI Assistant", "", "", "its documentation, or its silence", "2026-11")),
)
"""Clients as they were tried, or as others say. One that was not tried is taken to show `ROWS`."""
_NOT_TRIED: Final = Drawn("", "", "", "", "")


class ConnectedClient(NamedTuple):
    """What a client says of itself, and what it declares."""

    name: str = ""
    version: str = ""
    has_form: bool = False
    has_panel: bool = False


class Operator(NamedTuple):
    """What the operator allows. `has_page`: a page can be opened."""

    ask: WaysToAsk = WaysToAsk()
    has_page: bool = False


def drawn_by(name: str, version: str) -> Drawn:
    """What a client draws: that of the last version that was tried before it.

    Between two that were tried it is what both draw, since nobody knows where it has changed.
    """
    tried = [it for it in TABLE if it.name and _is_called(name, it.name)]
    before = [it for it in tried if _numbers(it.version) <= _numbers(version)]
    after = [it for it in tried if _numbers(it.version) > _numbers(version)]
    last = max(before, key=_version, default=_NOT_TRIED)
    if not (before and after) or _version(last) == _numbers(version):
        return last
    next_one = min(after, key=_version)
    is_drawn = last.draws_panel and next_one.draws_panel
    return last._replace(rows=min(last.rows, next_one.rows), draws_panel=is_drawn)


def forms_of(
    client: ConnectedClient, preview: Preview, *, practice: bool = False
) -> Sequence[FormMessage]:
    """The forms in which this client shows a question whole."""
    rows = drawn_by(client.name, client.version).rows or ROWS
    return form_messages(preview, practice=practice, rows=rows, columns=COLUMNS)


def cuts_forms(client: ConnectedClient, operator: Operator) -> bool:
    """Whether a client shows so little of its forms that nobody can be asked in them."""
    may_use_form = client.has_form and "form" in operator.ask.order
    return may_use_form and drawn_by(client.name, client.version).rows == 0


def draws_panel(client: ConnectedClient, operator: Operator) -> bool:
    """Whether a client shows the panel that it declares, and the operator lets it ask there."""
    return draws_apps(client) and may_use_panel(operator)


def draws_apps(client: ConnectedClient) -> bool:
    """Whether a client shows the apps that it promises to show."""
    return client.has_panel and drawn_by(client.name, client.version).draws_panel


def may_use_panel(operator: Operator) -> bool:
    """Whether the operator lets a person be asked in a panel."""
    return "panel" in operator.ask.order and not operator.ask.needs_passkey


def ways(
    client: ConnectedClient,
    operator: Operator,
    *,
    forms: int = 1,
    is_stop: bool = False,
    wants_preview: bool = False,
    tried: Collection[Way] = (),
) -> tuple[Way, ...]:
    """The ways to ask a question that needs so many forms of this client, the best one first.

    Those that were `tried` have shown nothing. What needs several forms is asked elsewhere first,
    and length never leads to a preview while the client declares forms. A stop is asked in one that
    is cut, too: the act comes first.
    """
    ask = operator.ask
    if not ask.asks_people or (wants_preview and ask.shows_previews):
        return ("preview",)
    may_use_form = is_stop or not ask.needs_passkey
    has_form = client.has_form and "form" in ask.order and may_use_form
    is_drawn = is_stop or not cuts_forms(client, operator)
    shown: dict[Way, bool] = {
        "form": has_form and is_drawn and forms <= MOST_FORMS,
        "panel": draws_panel(client, operator),
        "page": operator.has_page,
    }
    found = [it for it in ask.order if shown.get(it)]
    if forms > 1:
        found.sort(key=lambda it: it == "form")
    if not has_form and (ask.shows_previews or is_stop):
        found.append("preview")
    return tuple(it for it in found if it not in tried)


def _is_called(name: str, pattern: str) -> bool:
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    return name == pattern


def _version(drawn: Drawn) -> tuple[int, ...]:
    return _numbers(drawn.version)


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version, up to what is no number: 2.1.332-beta is 2.1.332."""
    numbers: list[int] = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not (digits and digits.isascii()):
            break
        numbers.append(int(digits[:9]))
        if digits != part:
            break
    return tuple(numbers)
