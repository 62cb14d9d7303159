"""Edits JSON text in place: everything that is not changed keeps its formatting.

Supports JSON with comments and trailing commas.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

_STRING_OR_COMMENT: Final = re.compile(r'"(?:[^"\\\r\n]|\\.)*"|//[^\r\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING_COMMA: Final = re.compile(r'[\w"}\]]\s*(,)(?=\s*[}\]])', re.ASCII)
_BYTE_ORDER_MARK: Final = "\ufeff"
_SPACE: Final = " \t\r\n"
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_USUAL_INDENT: Final = "  "


class InvalidJson(ValueError):
    """A document is invalid. The message is the rest of a sentence after the document's name.

    It says where, but quotes nothing: the content may be secret.
    """


@dataclass(frozen=True, slots=True)
class _Member:
    """A member of an object: its name, and the positions of name, value and end in the text."""

    name: str
    at: int
    value: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """A text, and the same as plain JSON with every character at the same position."""

    text: str
    comments: bool
    _plain: str
    _trailing_commas: frozenset[int]

    @classmethod
    def read(cls, text: str, *, comments: bool) -> Self:
        """Parse a text. Only white space and comments count as an empty object.

        Raises:
            InvalidJson: it is not JSON.
        """
        plain, trailing_commas = _plain(text) if comments else (text, frozenset[int]())
        plain = plain.replace(_BYTE_ORDER_MARK, " ", 1) if text[:1] == _BYTE_ORDER_MARK else plain
        if not plain.strip(_SPACE):
            blank = text.strip(_BYTE_ORDER_MARK + _SPACE) == ""
            return cls.read(text + ("{}\n" if blank else "\n{}\n"), comments=comments)
        _check(plain)
        return cls(text, comments, plain, trailing_commas)

    def get(self, *path: str) -> object:
        """The value at this path; None if there is none.

        Raises:
            InvalidJson: a parent is not an object.
        """
        member = self._find(path)
        return None if member is None else json.loads(self._plain[member.value : member.end])

    def put(self, *path: str, value: object) -> Self:
        """The same document with this value at this path.

        Raises:
            InvalidJson: a parent is not an object, or the value cannot be read back from the
                changed text.
        """
        changed = self._put(path, value)
        if changed.get(*path) != value:
            raise InvalidJson("cannot be changed in place")
        return changed

    def _put(self, path: Sequence[str], value: object) -> Self:
        member = self._find(path)
        if member is None:
            return self._insert(path, value)
        if json.loads(self._plain[member.value : member.end]) == value:
            return self
        formatted = self._format(value, indent=self._indent_at(member.at))
        return self._read(self.text[: member.value] + formatted + self.text[member.end :])

    def _read(self, text: str) -> Self:
        return type(self).read(text, comments=self.comments)

    def _find(self, path: Sequence[str]) -> _Member | None:
        member = None
        for depth, name in enumerate(path):
            at = self._root if member is None else member.value
            if self._plain[at] != "{":
                where = f' under "{".".join(path[:depth])}"' if depth else ""
                raise InvalidJson(f"holds something else than an object{where}")
            # If a name occurs twice, JSON parsers use the last one.
            matches = [it for it in self._members(at) if it.name == name]
            if not matches:
                return None
            member = matches[-1]
        return member

    def _insert(self, path: Sequence[str], value: object) -> Self:
        *parents, name = path
        parent = self._find(parents)
        if parents and parent is None:
            return self._insert(parents, {name: value})
        return self._insert_into(self._root if parent is None else parent.value, name, value)

    def _insert_into(self, at: int, name: str, value: object) -> Self:
        """Add a member at the end of an object, after its comments."""
        members = list(self._members(at))
        close = self._close(members[-1].end if members else at + 1)
        last = members[-1].end if members else close
        content_end = len(self.text[:close].rstrip(_SPACE))
        has_trailing_comma = any(last <= it < close for it in self._trailing_commas)
        on_one_line = bool(members) and _LINE_END.search(self.text, at, close) is None
        indent = self._indent_in(at, members)
        before = " " if on_one_line else self._newline + indent
        value_text = json.dumps(value) if on_one_line else self._format(value, indent=indent)
        added = f"{before}{json.dumps(name)}: {value_text}{',' * has_trailing_comma}"
        tail = self.text[content_end:close]
        if not (on_one_line or _LINE_END.search(tail)):
            tail = self._newline + self._indent_at(at)
        head = self.text[:content_end]
        if members and not has_trailing_comma:
            head = f"{self.text[:last]},{self.text[last:content_end]}"
        return self._read(head + added + tail + self.text[close:])

    def _members(self, at: int) -> Iterator[_Member]:
        """The members of the object that starts at `at`."""
        at = self._skip_space(at + 1)
        while self._plain[at] == '"':
            name, name_end = _DECODER.raw_decode(self._plain, at)
            value = self._skip_space(self._skip_space(name_end) + 1)
            _, end = _DECODER.raw_decode(self._plain, value)
            yield _Member(name, at, value, end)
            at = self._skip_space(end)
            at = self._skip_space(at + 1) if self._plain[at] == "," else at

    @property
    def _root(self) -> int:
        return self._skip_space(0)

    def _close(self, at: int) -> int:
        """The closing brace of the object whose last member ends before `at`."""
        return self._plain.index("}", at)

    def _skip_space(self, at: int) -> int:
        while self._plain[at] in _SPACE:
            at += 1
        return at

    @property
    def _newline(self) -> str:
        line_end = _LINE_END.search(self.text)
        return line_end[0] if line_end else "\n"

    @property
    def _indent_unit(self) -> str:
        """The document's indent of one level."""
        first = next(self._members(self._root), None)
        on_own_line = first is not None and self._begins_line(first.at)
        return (first is not None and on_own_line and self._indent_at(first.at)) or _USUAL_INDENT

    def _indent_in(self, at: int, members: Sequence[_Member]) -> str:
        """The indent of the members of the object that starts at `at`."""
        if members and self._begins_line(members[0].at):
            return self._indent_at(members[0].at)
        return self._indent_at(at) + self._indent_unit

    def _begins_line(self, at: int) -> bool:
        return self.text[self._line_start(at) : at].strip(" \t") == ""

    def _indent_at(self, at: int) -> str:
        line = self.text[self._line_start(at) :]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def _line_start(self, at: int) -> int:
        return max(self.text.rfind("\n", 0, at), self.text.rfind("\r", 0, at)) + 1

    def _format(self, value: object, *, indent: str) -> str:
        """A value in the document's formatting, as ASCII."""
        lines = json.dumps(value, indent=self._indent_unit).split("\n")
        return f"{self._newline}{indent}".join(lines)


def _reject_constant(_constant: str) -> object:
    raise ValueError("not JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_reject_constant)


def _check(plain: str) -> None:
    try:
        _DECODER.decode(plain)
    except json.JSONDecodeError as error:
        raise InvalidJson(f"is not JSON (line {error.lineno}, column {error.colno})") from None
    except (ValueError, RecursionError):  # NaN, too many digits, or too deep
        raise InvalidJson("is not JSON") from None


def _plain(text: str) -> tuple[str, frozenset[int]]:
    """The text with spaces for comments and trailing commas, and the positions of these commas.

    Strings are masked first, so that no comma is found inside one.
    """
    plain = _STRING_OR_COMMENT.sub(_blank_comment, text)
    masked = _STRING_OR_COMMENT.sub(lambda it: '"' + "x" * (len(it[0]) - 2) + '"', plain)
    commas = [it.start(1) for it in _TRAILING_COMMA.finditer(masked)]
    pieces = [plain[a + 1 : b] for a, b in zip([-1, *commas], [*commas, len(plain)], strict=True)]
    return " ".join(pieces), frozenset(commas)


def _blank_comment(match: re.Match[str]) -> str:
    piece = match[0]
    return piece if piece.startswith('"') else re.sub(r"[^\r\n]", " ", piece)
