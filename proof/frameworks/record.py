"""What reached the model, as committed files: one for each framework, and a table of all."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Final

from proof.frameworks.environments import INSTALLED
from proof.frameworks.schemas import changes, unreachable
from tests import ROOT
from tests.support.hostile_texts import is_hidden

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from proof.clients.dialects import Json
    from proof.frameworks.environments import Environment
    from proof.frameworks.show import Ran

_SEEN: Final = (ROOT / "proof/frameworks" if INSTALLED.name == "frameworks" else INSTALLED) / "seen"
STDIO: Final = "on stdio"
NEITHER: Final = "other words"
_NEW_EACH_TIME: Final = (
    (r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)", "TIME"),
    (r"\b\d\d:\d\d:\d\d\b", "00:00:00"),
    (r"viewers-[0-9a-f]{16}", "viewers-0000000000000000"),
    (r"""\b((?:confirmation|cursor|after)\W{1,6}["'])[\w.-]{4,}""", r"\1..."),
    (r"\bmcp_[0-9a-f]{32}", "mcp_0"),
    (r"\b((?:waited|gathered)Seconds\W{1,5})[\d.]+", r"\g<1>0"),
    (r"0x[0-9a-f]{6,}", "0x0"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:0"),
    (r"/[\w/]*/show-\w+", "~"),
    (r"/[\w./+-]+/(?=lib/python)", ""),
    (re.escape(f"{ROOT}/"), ""),
)
_LAST_LINES: Final = 3
_HEAD: Final = """\
# What reached the model

Written by `make frameworks`, on {day}. In each framework a scripted model ran the same show on
stdio and over HTTP, and where there are forms or a strict mode, with these too. A file of `seen/`
has what the model was told after each call, without what is new in each run.

- **reads**, **of errors**: which half of an answer the model is handed.
- **fence**: whether the boundaries around viewers' words are in it. Only the text has them.
- **spelt out**: no invisible character of a viewer reaches the model as it is.
- **a read** and so on: whether the model is told what that answer is about, such as the warning,
  the notice before viewers' words, the seconds of a limit, the question and its effects. A wait
  takes seven seconds.
- **on air**: the studio is on air at the end.

"""


def halves(message: str | None, answer: Json) -> str:
    """Which halves of an answer a message holds: its text, its `structuredContent`, or both.

    Where both say the same it is not known.
    """
    said = letters(message or "")
    text = letters("".join(it.get("text", "") for it in answer["content"]))
    structure = letters(json.dumps(answer.get("structuredContent"), ensure_ascii=False))
    found = set()
    if text != structure:
        for half in sorted((text, structure), key=len, reverse=True):  # one may hold the other
            if half in said:
                found.add("text" if half == text else "structure")
                said = said.replace(half, "", 1)
    return " and ".join(sorted(found, reverse=True)) or NEITHER


def settled(text: str) -> str:
    """A text without what is new in each run, and with what is invisible in it."""
    for pattern, new in _NEW_EACH_TIME:
        text = re.sub(pattern, new, text)
    return "".join(f"<U+{ord(it):04X}>" if it != "\n" and is_hidden(it) else it for it in text)


def write(environment: Environment, shows: Mapping[str, Ran], facts: Mapping[str, str]) -> None:
    """Write the file of a framework, and the table of all."""
    lines = [environment.versions, *(f"{name}: {value or '-'}" for name, value in facts.items())]
    for way, ran in shows.items():
        lines += ["", f"=== Schemas, {way}", *_schemas(shows[STDIO].tools, ran)]
    steps = dict.fromkeys(it.step.name for ran in shows.values() for it in ran.seen)
    for name in steps:
        lines += ["", f"=== {name}", *_told(name, shows)]
    for way, ran in shows.items():
        for printed in ran.ends:
            lines += ["", f"=== A run that ended early, {way}", *_last_lines(printed)]
    _SEEN.mkdir(parents=True, exist_ok=True)
    text = "\n".join(lines) + "\n"
    (_SEEN / f"{environment.name}.txt").write_text(text, encoding="utf-8")
    _write_table()


def _schemas(tools: Sequence[Json], ran: Ran) -> list[str]:
    empty = [f"{it} may hold nothing" for it in unreachable(ran.offered)]
    return [*changes(tools, ran.offered), *empty] or ["As the server has them."]


def _told(name: str, shows: Mapping[str, Ran]) -> Iterator[str]:
    before: dict[str, str] = {}
    for way, ran in shows.items():
        for seen in ran.seen:
            if seen.step.name != name:
                continue
            message = "Nothing: the run ended." if seen.message is None else settled(seen.message)
            yield f"--- {way}: {seen.step.tool} {settled(json.dumps(seen.arguments))}"
            yield f"As {before[message]}." if message in before else message
            before.setdefault(message, way)


def _last_lines(printed: str) -> list[str]:
    lines = [it for it in settled(printed).splitlines() if it.strip()]
    return lines[-_LAST_LINES:] or ["It printed nothing."]


def _write_table() -> None:
    rows = []
    for file in sorted(_SEEN.glob("*.txt")):
        versions, *lines = file.read_text(encoding="utf-8").split("\n\n")[0].splitlines()
        facts = dict(it.split(": ", 1) for it in lines)
        rows.append({file.stem: versions} | facts)
    names = list(rows[0])[1:]
    day = time.strftime("%Y-%m-%d", time.gmtime())
    lines = [f"| framework | versions | {' | '.join(names)} |", "|---" * (len(names) + 2) + "|"]
    for row in rows:
        name, versions = next(iter(row.items()))
        cells = [row.get(it, "") for it in names]
        lines.append(f"| [{name}](seen/{name}.txt) | {versions} | {' | '.join(cells)} |")
    table = "\n".join(lines)
    (_SEEN.parent / "seen.md").write_text(_HEAD.format(day=day) + table + "\n", encoding="utf-8")


def letters(text: str) -> str:
    """Its letters and digits: what is left of it, however it is quoted."""
    plain = re.sub(r"\\+u[0-9a-fA-F]{4}", "", text)
    plain = re.sub(r"\\+[nrt]", " ", plain)
    return re.sub(r"[^a-z0-9]", "", plain.lower().replace("none", "null"))
