"""Two replicas add a question about the same call in the same moment."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from proof.replicas.faulty_engine import FaultyEngine
from tests.replicas.test_shared_questions import PREVIEW
from trax_mcp.api.caller import Caller
from trax_mcp.api.operations import GoLive
from trax_mcp.clock import Clock
from trax_mcp.consent.calls import GuardedCall, NotRun, Question
from trax_mcp.consent.question_state import QuestionState
from trax_mcp.replicas.engine import Engine
from trax_mcp.replicas.shared_questions import QuestionsOnEngine

if TYPE_CHECKING:
    from proof.replicas.faulty_engine import Script
    from proof.replicas.throwaway_engine import ThrowawayEngine

CALL = GuardedCall(GoLive(studio_id="studio_42"), Caller("sk_live_of_a_caller"))


async def test_of_two_questions_that_are_added_at_once_one_is_kept(
    engine: ThrowawayEngine,
) -> None:
    """The other replica adds its own between the look and the write of this one."""
    clock = Clock()
    state = QuestionState(
        question=Question("yes-1", PREVIEW, "Go live", "Do not"),
        number=1,
        opened_at=clock.seconds(),
    )
    async with aclosing(FaultyEngine(engine.url)) as slow, aclosing(Engine(engine.url)) as other:
        mine, theirs = QuestionsOnEngine(slow, clock), QuestionsOnEngine(other, clock)

        async def add_theirs(number: int, script: Script) -> object:
            answer = await script()
            if number == 1:
                assert await theirs.add("theirs", CALL, state) == "theirs"
            return answer

        slow.start_counting(add_theirs)
        assert await mine.add("mine", CALL, state) == "theirs"
        assert await mine.find("mine", CALL.caller) is None
        over = NotRun("go_live", "declined", "declined")
        ended = QuestionState(
            question=state.question,
            number=1,
            opened_at=state.opened_at,
            over_since=clock.seconds(),
            result=over,
        )
        await theirs.merge("theirs", CALL, ended, may_add=False)
        assert await mine.add("mine", CALL, state) == "mine"
