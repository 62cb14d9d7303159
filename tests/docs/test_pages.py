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

IN_THE_RACE: Final = {
    "calls that start or end a show or lose something for good, sent without asking": (
        "unasked grave calls upstream"
    ),
    "failures told as success": "failures told as success",
    "calls with wrong arguments, sent all the same": "invalid calls upstream",
    "viewers' chat marked as strangers' words": "chat marked as strangers' words",
}
"""Rows of README, and the rows of `docs/race.md` that they quote."""


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


def test_the_example_requests_name_existing_tools() -> None:
    """In the second column of the table of README."""
    named = re.findall(r"`(\w+)`", " ".join(README.column("What you can say", 1)))
    assert set(named) - {"TRAX_MEDIA_DIRS"} <= set(tool_names(local=True))
    assert {"go_live", "go_offline", "send_chat_message", "upload_media"} <= set(named)


def test_every_client_is_named() -> None:
    """In README, and in the table of `docs/install.md` in the order of `--help`."""
    here = README.section("Add it to your assistant")
    named = [it for it in CLIENTS.values() if it.name != "other"]
    assert [it.title for it in named if it.title not in here] == []
    assert docs("install").column("Each client", 1) == [f"`{it}`" for it in CLIENTS]
    told = " ".join(docs("clients").text.partition("<!-- /clients -->")[0].split())
    assert [it for it in CLIENTS if f"`{it}` |" not in told] == []


def test_a_streamer_is_told_of_every_scope() -> None:
    """Each once, by what it lets an assistant do."""
    ticks = re.findall(r"`([a-z]+:[a-z]+)`", " ".join(docs("streaming").column("Your key", 1)))
    assert sorted(ticks) == sorted(SCOPES)


def test_windows_gets_the_same_commands_as_other_systems() -> None:
    """Those of `docs/install.md` without `make`, and the paths of Windows."""
    install = docs("install")
    here = install.blocks("sh")[0]
    there = here.replace("python3 -m venv", "py -m venv").replace(".venv/bin/", ".venv\\Scripts\\")
    assert README.blocks("powershell") == install.blocks("powershell") == [there]


def test_the_race_is_quoted_as_it_was_run() -> None:
    """The others from the best to the worst of them."""
    told = table_rows(README.text.partition("\n## ")[0])
    run = table_rows(docs("race").text)
    assert told.keys() == {"", "---", *IN_THE_RACE}
    assert {IN_THE_RACE[it]: told[it] for it in IN_THE_RACE} == {
        it: [run[it][0], span(run[it][1:])] for it in IN_THE_RACE.values()
    }


def table_rows(text: str) -> dict[str, list[str]]:
    """The cells of each row of a table, by the first one."""
    rows = re.findall(r"^\| ?(.*) \|$", text, re.MULTILINE)
    return {first.strip(): rest for first, *rest in (row.split(" | ") for row in rows)}


def span(cells: list[str]) -> str:
    """What all of them say, or from the least to the most, as in "0 to 2 of 7"."""
    least, *_, most = sorted({it.strip("*") for it in cells}) * 2
    return least if least == most else f"{least.partition(' of ')[0]} to {most}"


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
