"""A JSON document as a text that is changed in place: what is not changed stays as it was typed.

JSON, or JSON with comments and commas at the end where that is allowed. Nothing here knows a file,
or what is configured.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

_STRING_OR_COMMENT: Final = re.compile(r'"(?:[^"\\\r\n]|\\.)*"|//[^\r\n]*|/\*.*?\*/', re.DOTALL)
_LAST_COMMA: Final = re.compile(r'[\w"}\]]\s*(,)(?=\s*[}\]])', re.ASCII)
_BYTE_ORDER_MARK: Final = "\ufeff"
_SPACE: Final = " \t\r\n"
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_USUAL_INDENT: Final = "  "


class InvalidJson(ValueError):
    """What is wrong with a document: the rest of a sentence that begins with its name.

    It says where, but nothing of what stands there: that may be secret.
    """


@dataclass(frozen=True, slots=True)
class _Member:
    """A member of an object: its name, and where that, the value and its end are in the text."""

    name: str
    at: int
    value: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """A text, and the same as plain JSON, character by character in the same place."""

    text: str
    comments: bool
    _plain: str
    _last_commas: frozenset[int]

    @classmethod
    def read(cls, text: str, *, comments: bool) -> Self:
        """Read a text. One in which nothing stands but space and comments is an empty object.

        Raises:
            InvalidJson: it is not JSON.
        """
        plain, last_commas = _plain(text) if comments else (text, frozenset[int]())
        plain = plain.replace(_BYTE_ORDER_MARK, " ", 1) if text[:1] == _BYTE_ORDER_MARK else plain
        if not plain.strip(_SPACE):
            blank = text.strip(_BYTE_ORDER_MARK + _SPACE) == ""
            return cls.read(text + ("{}\n" if blank else "\n{}\n"), comments=comments)
        _check(plain)
        return cls(text, comments, plain, last_commas)

    def get(self, *path: str) -> object:
        """The value under these names; None where there is none.

        Raises:
            InvalidJson: something on the way is not an object.
        """
        member = self._find(path)
        return None if member is None else json.loads(self._plain[member.value : member.end])

    def put(self, *path: str, value: object) -> Self:
        """The same document with this value under these names, and nothing else changed.

        Raises:
            InvalidJson: something on the way is not an object, or the text is one that cannot be
                changed so that the value is read from it again.
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
        new = self._typed(value, indent=self._indent_at(member.at))
        return self._read(self.text[: member.value] + new + self.text[member.end :])

    def _read(self, text: str) -> Self:
        return type(self).read(text, comments=self.comments)

    def _find(self, path: Sequence[str]) -> _Member | None:
        member = None
        for depth, name in enumerate(path):
            at = self._root if member is None else member.value
            if self._plain[at] != "{":
                where = f' under "{".".join(path[:depth])}"' if depth else ""
                raise InvalidJson(f"holds something else than an object{where}")
            # Of two with the same name, the last one counts for every reader.
            same = [it for it in self._members(at) if it.name == name]
            if not same:
                return None
            member = same[-1]
        return member

    def _insert(self, path: Sequence[str], value: object) -> Self:
        *above, name = path
        parent = self._find(above)
        if above and parent is None:
            return self._insert(above, {name: value})
        return self._insert_into(self._root if parent is None else parent.value, name, value)

    def _insert_into(self, at: int, name: str, value: object) -> Self:
        """Add a member after everything that stands in an object, comments too."""
        members = list(self._members(at))
        close = self._close(members[-1].end if members else at + 1)
        last = members[-1].end if members else close
        used = len(self.text[:close].rstrip(_SPACE))
        trailing = any(last <= it < close for it in self._last_commas)
        on_one_line = bool(members) and _LINE_END.search(self.text, at, close) is None
        indent = self._indent_in(at, members)
        before = " " if on_one_line else self._newline + indent
        typed = json.dumps(value) if on_one_line else self._typed(value, indent=indent)
        added = f"{before}{json.dumps(name)}: {typed}{',' * trailing}"
        tail = self.text[used:close]
        if not (on_one_line or _LINE_END.search(tail)):
            tail = self._newline + self._indent_at(at)
        head = self.text[:used]
        if members and not trailing:
            head = f"{self.text[:last]},{self.text[last:used]}"
        return self._read(head + added + tail + self.text[close:])

    def _members(self, at: int) -> Iterator[_Member]:
        """The members of the object that opens here."""
        at = self._skip(at + 1)
        while self._plain[at] == '"':
            name, name_end = _DECODER.raw_decode(self._plain, at)
            value = self._skip(self._skip(name_end) + 1)
            _, end = _DECODER.raw_decode(self._plain, value)
            yield _Member(name, at, value, end)
            at = self._skip(end)
            at = self._skip(at + 1) if self._plain[at] == "," else at

    @property
    def _root(self) -> int:
        return self._skip(0)

    def _close(self, at: int) -> int:
        """Where the object closes of which nothing comes after here."""
        return self._plain.index("}", at)

    def _skip(self, at: int) -> int:
        while self._plain[at] in _SPACE:
            at += 1
        return at

    @property
    def _newline(self) -> str:
        found = _LINE_END.search(self.text)
        return found[0] if found else "\n"

    @property
    def _unit(self) -> str:
        """What this document is indented with."""
        first = next(self._members(self._root), None)
        own_line = first is not None and self._begins_line(first.at)
        return (first is not None and own_line and self._indent_at(first.at)) or _USUAL_INDENT

    def _indent_in(self, at: int, members: Sequence[_Member]) -> str:
        """The indent of members of the object that opens here."""
        if members and self._begins_line(members[0].at):
            return self._indent_at(members[0].at)
        return self._indent_at(at) + self._unit

    def _begins_line(self, at: int) -> bool:
        return self.text[self._line(at) : at].strip(" \t") == ""

    def _indent_at(self, at: int) -> str:
        line = self.text[self._line(at) :]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def _line(self, at: int) -> int:
        return max(self.text.rfind("\n", 0, at), self.text.rfind("\r", 0, at)) + 1

    def _typed(self, value: object, *, indent: str) -> str:
        """A value as it would have been typed here; ASCII, which every reader decodes alike."""
        lines = json.dumps(value, indent=self._unit).split("\n")
        return f"{self._newline}{indent}".join(lines)


def _not_json(_constant: str) -> object:
    raise ValueError("not JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_not_json)


def _check(plain: str) -> None:
    try:
        _DECODER.decode(plain)
    except json.JSONDecodeError as error:
        raise InvalidJson(f"is not JSON (line {error.lineno}, column {error.colno})") from None
    except (ValueError, RecursionError):  # NaN, a number without end, or a well of brackets
        raise InvalidJson("is not JSON") from None


def _plain(text: str) -> tuple[str, frozenset[int]]:
    """The text without comments and last commas, spaces in their place, and where those were.

    To find the commas, strings are filled with what cannot be taken for anything else.
    """
    plain = _STRING_OR_COMMENT.sub(_without_comment, text)
    filled = _STRING_OR_COMMENT.sub(lambda it: '"' + "x" * (len(it[0]) - 2) + '"', plain)
    commas = [it.start(1) for it in _LAST_COMMA.finditer(filled)]
    pieces = [plain[a + 1 : b] for a, b in zip([-1, *commas], [*commas, len(plain)], strict=True)]
    return " ".join(pieces), frozenset(commas)


def _without_comment(found: re.Match[str]) -> str:
    piece = found[0]
    return piece if piece.startswith('"') else re.sub(r"[^\r\n]", " ", piece)
