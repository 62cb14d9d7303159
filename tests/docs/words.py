"""The texts that people and models read, in pieces, and the words of `words.toml` in them.

`python -m tests.docs.words` counts them by file, and `python -m tests.docs.words FILE` lists them.
With `--count` it counts how many words a page has, without the parts that `make docs` writes.
"""

from __future__ import annotations

import ast
import html
import json
import re
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests import ROOT
from tests.support.repository import repository_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

LIST: Final[Mapping[str, Any]] = tomllib.loads((ROOT / "tests/docs/words.toml").read_text("utf-8"))
READ: Final = (
    "README.md",
    "CHANGELOG.md",
    "manifest.json",
    "docs/*.md",
    "prompts/*.md",
    "examples/*.py",
    "tests/answers/**/*.txt",
    "tests/toolsnaps/*.json",
    "tests/**/__snapshots__/*.ambr",
    "tests/cli/*_states/*.txt",
    "trax_mcp/**/*.py",
    "trax_mcp/**/static/*.html",
    "trax_mcp/**/static/*.js",
)
"""All that a person or a model reads: pages, recorded answers and screens, and texts in code."""
_ATTACKS: Final = ROOT / "tests/answers/injections.txt"
_FEWEST_WORDS: Final = 3
"""In code a shorter string is a name."""

_NOT_PROSE: Final = re.compile(
    r"^```.*?^```$|^\+\+\+.*?^\+\+\+$|<!--.*?-->|`[^`\n]+`|(?<=\])\([^)\s]*\)",
    re.DOTALL | re.MULTILINE,
)
_WRITTEN: Final = re.compile(r"^<!-- ([a-z ]+) -->$.*?^<!-- /\1 -->$", re.DOTALL | re.MULTILINE)
"""A part of a page that is made from the code."""
_NEW_PIECE: Final = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*#>|]|\d+\.) )|\|")
_QUOTED: Final = re.compile(r'"((?:[^"\\\n]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Rule:
    """What isn't written, and what is written instead."""

    pattern: re.Pattern[str]
    use: str
    why: str
    wrong: tuple[str, ...]
    right: tuple[str, ...]
    not_in: tuple[str, ...] = ()


RULES: Final = tuple(
    Rule(
        pattern=re.compile(it["pattern"], re.IGNORECASE),
        use=it["use"],
        why=it["why"],
        wrong=tuple(it["wrong"]),
        right=tuple(it["right"]),
        not_in=tuple(it.get("not_in", ())),
    )
    for it in LIST["rules"]
)


def found_in(file: str) -> Iterator[tuple[Rule, str]]:
    """Each place in a file that breaks a rule, with a few words around it."""
    here = [it for it in RULES if not file.startswith(it.not_in or ("\n",))]
    for piece in pieces(ROOT / file):
        for rule in here:
            for it in rule.pattern.finditer(piece):
                yield rule, piece[max(it.start() - 30, 0) : it.end() + 30]


def words_of(page: str) -> int:
    """How many words a reader finds, the blocks of code included. Signs alone are no words."""
    text = _WRITTEN.sub("", (ROOT / page).read_text("utf-8"))
    return sum(any(map(str.isalnum, it)) for it in text.split())


def files() -> list[str]:
    """The files that are read."""
    found = (it for it in repository_files(*READ) if it != _ATTACKS)
    return [it.relative_to(ROOT).as_posix() for it in found]


def pieces(path: Path) -> Iterator[str]:
    """The paragraphs, items, cells or strings of a file, each on one line."""
    text = path.read_text("utf-8")
    found: Iterable[str]
    match path.suffix:
        case ".py":
            strings = _strings_of_code(ast.parse(text))
            found = (it for it in strings if len(it.split()) >= _FEWEST_WORDS)
        case ".json":
            found = _strings_of(json.loads(text))
        case ".js":
            found = _QUOTED.findall(text)
        case ".html":
            found = html.unescape(re.sub(r"<[^>]*>", "\n", text)).splitlines()
        case ".md":
            found = _NEW_PIECE.split(_NOT_PROSE.sub(" ", text))
        case _:
            found = text.splitlines()
    return (" ".join(re.sub(r"`[^`]+`", " ", it).split()) for it in found)


def _strings_of_code(tree: ast.AST) -> Iterator[str]:
    """The sentences in code, without docstrings."""
    docstrings = {
        id(it.value)
        for it in ast.walk(tree)
        if isinstance(it, ast.Expr) and isinstance(it.value, ast.Constant)
    }
    within = {
        id(part) for it in ast.walk(tree) if isinstance(it, ast.JoinedStr) for part in it.values
    }
    for it in ast.walk(tree):
        match it:
            case ast.Constant(value=str(text)) if id(it) not in docstrings | within:
                yield text
            case ast.JoinedStr(values=parts):
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts
                )


def _strings_of(value: object) -> Iterator[str]:
    """The strings in a piece of JSON."""
    match value:
        case str():
            yield value
        case list() | dict():
            for it in value.values() if isinstance(value, dict) else value:
                yield from _strings_of(it)


def main(*named: str) -> None:
    """Print each place in these files, or how many there are by file and by rule."""
    if named == ("--count",):
        counts = {it: words_of(it) for it in files() if it.startswith("docs/")}
        for page, number in (*counts.items(), ("all", sum(counts.values()))):
            sys.stdout.write(f"{number:6,} {page}\n")
        return
    by_file, by_rule = Counter[str](), Counter[str]()
    for file in named or files():
        for rule, place in found_in(file):
            by_file[file] += 1
            by_rule[rule.use] += 1
            if named:
                sys.stdout.write(f"{file}: …{place}…\n    Write {rule.use}. {rule.why}\n")
    for counted in (by_rule, by_file) if not named else ():
        for name, number in counted.most_common():
            sys.stdout.write(f"{number:5} {name}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
