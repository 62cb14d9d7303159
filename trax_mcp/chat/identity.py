"""What a chat message is known by: its platform and id, else who wrote it, when and what.

Where two different messages of a page have the same id, each is known by what it holds.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple

Message = Mapping[str, Any]
"""A chat message as TRaX sent it. Any field may be absent, or of another type."""

KEY_BYTES: Final = 16


class Item(NamedTuple):
    """An item of a page, and the digest that it is known by.

    `message` is None if the item isn't an object, or has nothing to know it by. `keys` holds all
    digests that it may be known by later.
    """

    message: Message | None
    key: bytes
    keys: tuple[bytes, ...]


def identify(page: Sequence[object]) -> list[Item]:
    """Each item of a page, in its order."""
    items = [_item(it) for it in page]
    contents = defaultdict[bytes, set[bytes]](set)
    for it in items:
        contents[it.key].add(it.keys[-1])
    return [it if len(contents[it.key]) == 1 else it._replace(key=it.keys[-1]) for it in items]


def id_of(message: Message) -> str:
    """The id of a message, empty if it has none. One that TRaX sent as a number is text by now."""
    message_id = message.get("id")
    return message_id if isinstance(message_id, str) else ""


def _item(it: object) -> Item:
    if not isinstance(it, Mapping):
        return Item(None, key := _digest("not a message", it), (key,))
    platform, author = it.get("platform"), it.get("authorId") or it.get("authorDisplayName")
    content = (author, it.get("timestamp"), it.get("text"))
    by_content = _digest(platform, *content)
    if message_id := id_of(it):
        by_id = _digest(platform, message_id)
        return Item(it, by_id, (by_id, by_content))
    if content == (None, None, None):
        return Item(None, key := _digest("not a message", it), (key,))
    return Item(it, by_content, (by_content,))


def _digest(*what: object) -> bytes:
    return blake2b(json.dumps(what).encode(), digest_size=KEY_BYTES).digest()
