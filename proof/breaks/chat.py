"""The breaks of the promises: chat that streams."""

from __future__ import annotations

from typing import Final

from proof.breaks.changes import Changes, swap
from trax_mcp.chat import feed, identity, marks, poll_interval
from trax_mcp.server.subscriptions import _Subscriber

_identified = identity.identify

CHANGES: Final[Changes] = {
    "in order, without repeats": [
        (
            "tests/units/chat/test_feed.py",
            swap(feed._by_time).by(lambda items: [*items]),
        ),
    ],
    "what it shows the other two show": [
        (
            "tests/units/chat/test_feed_gaps.py",
            swap(feed.Feed._may_omit).by(lambda self, items, limit: len(items) >= limit),
        ),
        (
            "tests/chat/test_chat_pages.py",
            swap(identity.identify).by(lambda page: [it for it in _identified(page) if it.message]),
        ),
    ],
    "It asks TRaX once for everyone": [
        (
            "tests/units/chat/test_poll_interval.py",
            swap(poll_interval.PollInterval.pause).by(lambda self, jitter: self.shortest),
        ),
    ],
    "It may read late": [
        (
            "tests/server/test_subscriptions_slow.py",
            swap(_Subscriber._add_update).by(lambda *_: None),
        ),
    ],
    "So that no assistant answers itself": [
        ("tests/chat/test_own_messages.py", swap(marks.ChatMarks.own).by(lambda *_: ())),
    ],
    "A cursor still holds after a restart": [
        ("tests/server/test_subscriptions_failures.py", swap(feed._end_of_row).by(lambda *_: 0)),
    ],
}
