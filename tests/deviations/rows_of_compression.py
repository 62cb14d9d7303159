"""Answers that are packed, and answers that lead elsewhere."""

from __future__ import annotations

import zlib
from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import CONNECTIONS, EVERY, READS, by_name, headers
from tests.deviations.plays_of_bytes import bomb, moved, packed
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="gzip_forced",
        trax="Compresses each answer with gzip, though the client wants that not.",
        play=by_name("gzip"),
        calls=scenarios.WHOLE_SHOW,
        sent=("POST go-live", "POST go-offline"),
    ),
    Row(
        name="br_forced",
        trax="Compresses each answer with brotli.",
        play=packed(EVERY, "br", lambda it: b"\x0b" + it),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            "find_studio: The answer is compressed (br), which trax-mcp can't read.",
            "check_studio: The answer is compressed (br), which trax-mcp can't read.",
            "go_live asks: The answer is compressed (br), which trax-mcp can't read. The change wasn't sent.",
        ),
        model=(
            "find_studio: bad_answer, not_applied: The answer to list_studios is compressed (br), which trax-mcp can't read. Run `trax-mcp doctor`.",
            "check_studio: bad_answer, not_applied: The answer to get_studio is compressed (br), which trax-mcp can't read. Run `trax-mcp doctor`.",
            "go_live asks: bad_answer, not_applied: The answer to get_studio is compressed (br), which trax-mcp can't read. The change wasn't sent. Run `trax-mcp doctor`.",
        ),
    ),
    Row(
        name="deflate_forced",
        trax="Compresses each answer with deflate.",
        play=packed(EVERY, "deflate", zlib.compress),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="gzip_bomb",
        trax="Answers the linked accounts with a megabyte that becomes a gigabyte.",
        play=packed(CONNECTIONS, "gzip", bomb),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / the linked accounts (The answer to list_connections is larger than 4 MiB) / [Go live on YouTube and Twitch]',
        ),
        model=(
            'find_studio: details.unknown=["the linked accounts (The answer to list_connections is larger than 4 MiB)", "whether this API key may go live (TRaX only shows that when you try)"]',
            'check_studio: studios.0.unknown=["the linked accounts (The answer to list_connections is larger than 4 MiB)", "whether this API key may go live (TRaX only shows that when you try)"]',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="gzip_said_not_done",
        trax="Says gzip, and compresses nothing.",
        play=headers(READS, Content_Encoding="gzip"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            "find_studio: The answer is compressed (gzip), and damaged.",
            "check_studio: The answer is compressed (gzip), and damaged.",
            "go_live asks: The answer is compressed (gzip), and damaged. The change wasn't sent.",
        ),
        model=(
            "find_studio: bad_answer, not_applied: The answer to list_studios is compressed (gzip), and damaged. Run `trax-mcp doctor`.",
            "check_studio: bad_answer, not_applied: The answer to get_studio is compressed (gzip), and damaged. Run `trax-mcp doctor`.",
            "go_live asks: bad_answer, not_applied: The answer to get_studio is compressed (gzip), and damaged. The change wasn't sent. Run `trax-mcp doctor`.",
        ),
    ),
    Row(
        name="redirect_301_slash",
        trax="Redirects each path to itself with a slash.",
        play=moved(READS, 301, "/v1/studios/?key=secret"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            "find_studio: TRaX's address redirects to another path there (HTTP 301), which isn't followed.",
            "check_studio: TRaX's address redirects to another path there (HTTP 301), which isn't followed.",
            "go_live asks: The studio's name couldn't be read: TRaX's address redirects to another path there (HTTP 301), which isn't followed. The change wasn't sent.",
        ),
        model=(
            "find_studio: bad_answer, not_applied: TRaX's address redirects to another path there (HTTP 301), which isn't followed. Check TRAX_BASE_URL.",
            "check_studio: bad_answer, not_applied: TRaX's address redirects to another path there (HTTP 301), which isn't followed. Check TRAX_BASE_URL.",
            "go_live asks: bad_answer, not_applied: The studio's name couldn't be read: TRaX's address redirects to another path there (HTTP 301), which isn't followed. The change wasn't sent. Check TRAX_BASE_URL.",
        ),
    ),
    Row(
        name="redirect_308_host",
        trax="Redirects everything to another host.",
        play=moved(EVERY, 308, "https://eu.trax.example/v1?key=secret"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            "find_studio: TRaX's address redirects to \"eu.trax.example\" (HTTP 308), which isn't followed.",
            "check_studio: TRaX's address redirects to \"eu.trax.example\" (HTTP 308), which isn't followed.",
            "go_live asks: The studio's name couldn't be read: TRaX's address redirects to \"eu.trax.example\" (HTTP 308), which isn't followed. The change wasn't sent.",
        ),
        model=(
            "find_studio: bad_answer, not_applied: TRaX's address redirects to \"eu.trax.example\" (HTTP 308), which isn't followed. Check TRAX_BASE_URL.",
            "check_studio: bad_answer, not_applied: TRaX's address redirects to \"eu.trax.example\" (HTTP 308), which isn't followed. Check TRAX_BASE_URL.",
            "go_live asks: bad_answer, not_applied: The studio's name couldn't be read: TRaX's address redirects to \"eu.trax.example\" (HTTP 308), which isn't followed. The change wasn't sent. Check TRAX_BASE_URL.",
        ),
    ),
    Row(
        name="redirect_302_login",
        trax="Redirects each read to a login page.",
        play=moved(READS, 302, "https://login.example/start?key=secret"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            "find_studio: TRaX's address redirects to \"login.example\" (HTTP 302), which isn't followed.",
            "check_studio: TRaX's address redirects to \"login.example\" (HTTP 302), which isn't followed.",
            "go_live asks: The studio's name couldn't be read: TRaX's address redirects to \"login.example\" (HTTP 302), which isn't followed. The change wasn't sent.",
        ),
        model=(
            "find_studio: bad_answer, not_applied: TRaX's address redirects to \"login.example\" (HTTP 302), which isn't followed. Check TRAX_BASE_URL.",
            "check_studio: bad_answer, not_applied: TRaX's address redirects to \"login.example\" (HTTP 302), which isn't followed. Check TRAX_BASE_URL.",
            "go_live asks: bad_answer, not_applied: The studio's name couldn't be read: TRaX's address redirects to \"login.example\" (HTTP 302), which isn't followed. The change wasn't sent. Check TRAX_BASE_URL.",
        ),
    ),
    Row(
        name="redirect_writes_308",
        trax="Redirects changes to another host.",
        play=moved("POST *", 308, "https://eu.trax.example/v1/go-live"),
        calls=scenarios.GO_LIVE,
        person=(
            "go_live: TRaX's address redirects to \"eu.trax.example\" (HTTP 308), which isn't followed. It's unclear whether it took effect.",
        ),
        model=(
            "go_live: bad_answer, unknown: TRaX's address redirects to \"eu.trax.example\" (HTTP 308), which isn't followed. It's unclear whether it took effect. Check with check_studio in a minute. If it's off air then, ask the user again.",
        ),
        sent=("POST go-live",),
    ),
)
