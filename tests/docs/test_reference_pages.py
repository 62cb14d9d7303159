"""Pages name settings and codes that exist, and their links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tests import ROOT
from tests.support.markdown_pages import CONTRIBUTING, USER_PAGES, Page, docs
from tests.support.product.reference import CODES, SETTINGS, tool_names

OWN_CODES: Final = {
    "no_key",
    "unreachable",
    "timeout",
    "read_only",
    "invalid_file",
    "store_unavailable",
}
"""Error codes of this server that pages name."""

PROOF: Final = Page("proof/README.md")
LINKED_PAGES: Final = (*USER_PAGES, CONTRIBUTING, Page("CHANGELOG.md"), PROOF)
OUTSIDE: Final = {
    "https://semver.org",
    "https://caddyserver.com",
    "https://github.com/modelcontextprotocol/conformance",
    "https://github.com/modelcontextprotocol/inspector",
    "https://schemathesis.io",
    "https://hypothesis.works",
    "https://opentelemetry.io",
}
"""Links to pages of others. This project claims no address."""


def settings_in(text: str) -> set[str]:
    """The settings that a text names."""
    return set(re.findall(r"\bTRAX_[A-Z_]+[A-Z]\b", text))


def test_no_page_names_a_setting_that_does_not_exist() -> None:
    """Such a setting would stop the start."""
    known = SETTINGS
    assert [it.name for it in LINKED_PAGES if not settings_in(it.text) <= known] == []


def test_every_code_in_the_troubleshooting_table_exists() -> None:
    """Readers look up the codes that they see."""
    rows = re.findall(r"^\| (.+?) \| .+ \| .+ \|$", docs("troubleshooting").text, re.MULTILINE)
    known = {*CODES, *OWN_CODES, *tool_names(local=True)}
    codes = set(re.findall(r"`([a-z_]+)`", " ".join(rows))) - {"trax"}
    assert codes <= known
    assert {"invalid_key", "insufficient_scope", "write_disabled", "rate_limited"} <= codes


def test_the_servers_own_codes_are_in_the_source() -> None:
    """Each as a string literal."""
    program = "".join(it.read_text(encoding="utf-8") for it in (ROOT / "trax_mcp").rglob("*.py"))
    assert [code for code in OWN_CODES if f'"{code}"' not in program] == []


def test_every_link_has_a_target() -> None:
    """Files of the repository, and headings in them."""
    assert [(page.name, it) for page in LINKED_PAGES for it in broken_links(page)] == []


def broken_links(page: Page) -> list[str]:
    """The links of a page that lead nowhere."""
    folder = (ROOT / page.name).parent
    broken = []
    for link in page.links():
        file, _, fragment = link.partition("#")
        target = Path(folder / file).resolve() if file else ROOT / page.name
        if link in OUTSIDE or (target.is_file() and not fragment):
            continue
        if not target.is_file() or fragment not in Page(str(target.relative_to(ROOT))).anchors():
            broken.append(link)
    return broken
