"""`make hosted` on a machine without a screen; `make browser` plays it with a person."""

from __future__ import annotations

from tests.support.server_process import running


async def test_without_a_browser_the_page_is_filled_in_and_the_yes_is_to_a_preview() -> None:
    """It shows each step, and ends by itself."""
    async with running(program=("-m", "proof.hosted.play")) as play:
        assert await play.finish() == 0, play.stderr.text
    for said in ("resource_metadata", "Nobody has checked that", "4 studios", "Not done yet"):
        assert said in play.stdout.text, said
    assert play.stdout.text.index("On air for ") < play.stdout.text.index("Revoked:")
    assert "401" in play.stdout.all[-1]
