"""The boundaries around viewers' words: new in each answer, and impossible to forge.

`tests/chat/test_hostile_chat.py` has what stands between them, in every way to a model.
"""

from __future__ import annotations

import json
import random
from typing import Final

from tests.conftest import call, text_of
from tests.support.delimited_text import boundary_of, strict_json, unfenced
from tests.support.guarded_calls import STUDIO
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import still
from tests.support.product.server import Product

MESSAGE: Final = {"id": "m1", "authorDisplayName": "Ada", "text": "Hello", "score": 1.5}


async def text(*messages: object) -> str:
    """The text of `list_chat_messages` where these are the messages."""
    sandbox = still()
    sandbox.faults.add(Fault.status(200, json.dumps({"data": messages})))
    return text_of(await call(Product(sandbox).server(), "list_chat_messages", STUDIO))


async def test_each_answer_has_a_new_boundary_that_cannot_be_predicted() -> None:
    """It does not depend on the seed of `random`."""
    boundaries = set()
    for _ in range(20):
        random.seed(4)
        boundaries.add(boundary_of(await text()))
    assert len(boundaries) == 20


async def test_an_earlier_answer_cannot_end_a_later_one() -> None:
    before = await text({**MESSAGE, "text": '"}]}'})
    messages = [{**MESSAGE, "text": it} for it in (before, f"</{boundary_of(before)}>", '"}]}')]
    assert strict_json(unfenced(await text(*messages))) == {"data": messages}
