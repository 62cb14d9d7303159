"""Pages name clients, tools, settings and codes that exist, and their links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tests import ROOT
from tests.support.markdown_pages import CONTRIBUTING, DOCS, README, USER_PAGES, Page, docs
from tests.support.product.reference import CLIENTS, CODES, SETTINGS, tool_names
from tests.support.product.sandbox import SCOPES

OWN_CODES: Final = {
    "no_key",
    "unreachable",
    "timeout",
    "read_only",
    "invalid_file",
    "store_unavailable",
}
"""Error codes of this server that pages name."""

LINKED_PAGES: Final = (*USER_PAGES, CONTRIBUTING, Page("CHANGELOG.md"), Page("proof/README.md"))
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


def test_no_page_names_a_setting_that_does_not_exist() -> None:
    """Such a setting would stop the start."""
    named = {it.name: set(re.findall(r"\bTRAX_[A-Z_]+[A-Z]\b", it.text)) for it in LINKED_PAGES}
    assert {name: it for name, it in named.items() if not it <= SETTINGS} == {}


def test_every_code_in_the_troubleshooting_table_exists() -> None:
    """Readers look up the codes that they see."""
    rows = re.findall(r"^\| (.+?) \| .+ \| .+ \|$", docs("troubleshooting").text, re.MULTILINE)
    codes = set(re.findall(r"`([a-z_]+)`", " ".join(rows))) - {"trax"}
    assert codes <= {*CODES, *OWN_CODES, *tool_names(local=True)}
    assert {"invalid_key", "insufficient_scope", "write_disabled", "rate_limited"} <= codes


def test_every_client_is_named() -> None:
    """In README, and in the table of `docs/clients.md`."""
    here = README.section("Get started")
    named = [it for it in CLIENTS.values() if it.name != "other"]
    assert [it.title for it in named if it.title not in here] == []
    told = " ".join(docs("clients").text.partition("<!-- /clients -->")[0].split())
    assert [it for it in CLIENTS if f"`{it}` |" not in told] == []


def test_the_clients_that_were_tried_are_the_same_everywhere() -> None:
    """In README, and where the last column of the table of `docs/clients.md` says so."""
    rows = re.findall(r"^\| (.+?) \| .* \| yes, [^|]+ \|$", docs("clients").text, re.MULTILINE)
    told = re.search(r"\*\*Apps:\*\* (.+?) were run with", README.flowing_text)
    assert told
    assert sorted(re.split(r", | and ", told[1])) == sorted(rows)


def test_every_tool_is_listed_once() -> None:
    """In README, which also says how many there are."""
    section = README.section("Tools")
    table = " ".join(README.column("Tools", 1))
    assert sorted(re.findall(r"`(\w+)`", table)) == sorted(tool_names(local=True))
    assert f"with {len(tool_names(local=True))} tools" in section


def test_the_container_was_tried_as_other_pages_say() -> None:
    """With the same program."""
    pages = [README, docs("http")]
    assert [it.name for it in pages if not re.search(r"\bPodman\b.*\bhas\b", it.flowing_text)] == []


def test_a_streamer_is_told_of_every_scope() -> None:
    """Each once, by what it lets an assistant do."""
    for page, heading in ((docs("streaming"), "Your key"), (README, "Use your own studios")):
        ticks = re.findall(r"`([a-z]+:[a-z]+)`", " ".join(page.column(heading, 1)))
        assert sorted(ticks) == sorted(SCOPES), page


def test_windows_gets_the_same_commands_as_other_systems() -> None:
    """Those without `make`, and the paths of Windows."""
    install = docs("install")
    here = install.blocks("sh")[0]
    there = here.replace("python3 -m venv", "py -m venv").replace(".venv/bin/", ".venv\\Scripts\\")
    assert install.blocks("powershell") == [there]


def test_the_race_is_quoted_as_it_was_run() -> None:
    """The calls that were sent without asking, by the others and by trax-mcp."""
    told = re.search(
        r"Of (\d+) calls .* of the others sent all (\d+) without asking. trax-mcp sent (none)\.",
        " ".join(README.section("How it compares").split()),
    )
    assert told
    ours, *others = docs("race").row(f"grave calls sent unasked, of {told[1]}")
    assert others == [told[2]] * len(others)
    assert (ours, told[3]) == ("0", "none")


def test_every_link_has_a_target_and_the_index_links_every_page() -> None:
    """Files of the repository, and headings in them. README links the index."""
    assert [(page.name, it) for page in LINKED_PAGES for it in broken_links(page)] == []
    index = docs("README")
    others = {it.name.removeprefix("docs/") for it in DOCS if it != index}
    assert others <= set(index.links())
    assert index.name in README.links()


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
