"""A client on the sandbox with a scripted model: what is asked, what it draws, and what has run."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from proof.clients.model import ScriptedModel, Step, Turn
from proof.clients.programs import INSTALLED, Place, Program
from proof.clients.terminal import ROWS, Terminal, squeezed
from proof.clients.wire import Server
from tests import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from proof.clients.model import Script

_STUDIO: Final = {"studioId": "studio_42"}


def _change(tool: str, **arguments: object) -> dict[str, Any]:
    return {"tool": tool, "arguments": arguments}


SCENES: Final = {
    "go-live": ("Take the Friday show live, please.", Step("go_live", _STUDIO)),
    "several-changes": (
        "Name the cameras A and B, and delete both destinations.",
        Step(
            "apply_changes",
            _STUDIO
            | {
                "changes": [
                    _change("update_source", sourceId="source_1", name="Cam A"),
                    _change("update_source", sourceId="source_2", name="Cam B"),
                    _change("delete_destination", destId="dest_1"),
                    _change("delete_destination", destId="dest_2"),
                ]
            },
        ),
    ),
    "names-with-hyphens": (
        "Name both after the church and the service, and take the show live.",
        Step(
            "apply_changes",
            _STUDIO
            | {
                "changes": [
                    _change("update_destination", destId="dest_1", name="Church-of-St-Mary-main"),
                    _change("update_destination", destId="dest_2", name="Sunday-10-30-service-EU"),
                    _change("go_live"),
                ]
            },
        ),
    ),
    "a-long-address": (
        "Send Kick to the new server.",
        Step(
            "update_destination",
            _STUDIO
            | {"destId": "dest_3", "rtmpUrl": f"rtmps://new.example/app/{'a-long-path/' * 8}"},
        ),
    ),
    "auto-go-live": (
        "Let the Friday show go live on its own.",
        Step("update_studio", _STUDIO | {"autoGoLive": True}),
    ),
}
"""What a person says, and what the model calls then."""
APPROVAL: Final = "Yes, do that."
PROMPTS: Final = (*(prompt for prompt, _ in SCENES.values()), APPROVAL)
_STEPS: Final = dict(SCENES.values())
_ROWS_OF_PREVIEWS: Final = 50
"""So that a preview of some length, which the model repeats, is not scrolled away."""
_HASTE: Final = 4
"""How often a model in haste calls again."""
_SOME_LETTERS: Final = 400
_ENDED_SECONDS: Final = 60.0
_SCREENS: Final = (
    ROOT / "proof/clients/screens"
    if INSTALLED.parent.name == "clients"
    else INSTALLED.parent / "screens"
)


def careful(turns: Sequence[Turn]) -> Step | str:
    """Call, show the preview and end the turn; call again after the person's approval."""
    step = _STEPS[turns[0].prompt]
    results = [it for turn in turns for it in turn.results]
    if not results:
        return step
    if turns[-1].prompt == APPROVAL and not turns[-1].results:
        return _confirmed(step, results[-1]) or "There is nothing to confirm."
    return shown_to_person(results[-1]) if confirmation_in(results[-1]) else "I have the answer."


def hasty(turns: Sequence[Turn]) -> Step | str:
    """Call, and confirm each preview oneself, at once."""
    step = _STEPS[turns[0].prompt]
    results = turns[-1].results
    if not results:
        return step
    if len(results) < _HASTE and (again := _confirmed(step, results[-1])):
        return again
    return f"Calls: {len(results)}. The last answer: {results[-1][:_SOME_LETTERS]}"


def confirmation_in(result: str) -> str | None:
    """The confirmation that an answer holds, as text or as data."""
    found = re.search(r"\bconfirmation\W{1,6}\"([\w.-]{8,})", result)
    return found and found[1]


def shown_to_person(result: str) -> str:
    """What an answer wants to be shown."""
    found = re.search(r"--- For the user ---\s*(.*?)\s*--- End ---", result, re.DOTALL)
    return found[1] if found else result


def _confirmed(step: Step, result: str) -> Step | None:
    confirmation = confirmation_in(result)
    if not confirmation:
        return None
    given = {"confirm": True, "confirmation": confirmation}
    return Step(step.tool, step.arguments | given)


@dataclass(frozen=True)
class Session:
    """A client in its terminal."""

    program: Program
    server: Server
    model: ScriptedModel
    terminal: Terminal
    home: Path

    def say(self, prompt: str) -> None:
        """Type a prompt and send it."""
        self.terminal.press(*prompt)
        self.terminal.rest()
        self.terminal.press("Enter")

    def ask(self, scene: str) -> dict[str, Any] | None:
        """Say it, allow the call, and wait for the form, if there will be one, else for the end."""
        self.say(SCENES[scene][0])
        self.allow(scene)
        return self.question()

    def allow(self, scene: str) -> None:
        """Let the client call the tool, where it asks that."""
        if self.program.permission:
            self.terminal.wait_for(self.program.permission)
            self.record(f"{scene}-permission")
            self.terminal.press(*self.program.allow)

    def approve_all(self) -> None:
        """Press the keys of an approval in each form, as slowly as a person, until it is done."""
        while not self.server.has_run:
            form = self.question()
            for key in self.program.approve:
                self.terminal.press(key)
                self.terminal.rest()
            self.terminal.wait_until(lambda: self.server.has_run or self.server.form != form)  # noqa: B023

    def question(self) -> dict[str, Any] | None:
        """The form, when it is drawn, or none when the turn has ended without one."""
        if not self.program.has_forms:
            self.wait_for_end()
            return None
        self.terminal.wait_until(lambda: self.server.form)
        form = self.server.form
        assert form
        self.terminal.wait_for(title_of(form))
        return form

    def wait_for_end(self, turns: int = 1) -> None:
        """Wait until the model has ended this many turns."""
        self.terminal.wait_until(lambda: self.model.ended >= turns, _ENDED_SECONDS)
        self.terminal.rest()

    def record(self, name: str) -> str:
        """Keep the screen as a file, and return it."""
        text = self.terminal.text
        write_screen(self.program, self.server, name, text, self.home)
        return text


@contextmanager
def opened(program: Program) -> Iterator[Session]:
    """The client, with trax-mcp connected, ready for a prompt."""
    with _place(program, careful) as (place, model):
        rows = ROWS if program.has_forms else _ROWS_OF_PREVIEWS
        environment = program.environment(place)
        with Terminal(program.in_terminal(), place.project, environment, rows) as terminal:
            terminal.wait_for(program.prompt)
            terminal.wait_until(place.server.is_ready)
            terminal.rest()
            yield Session(program, place.server, model, terminal, place.home)


def run_once(program: Program, scene: str) -> list[str]:
    """What has run after one turn without a screen, of a model that confirms its own call."""
    with _place(program, hasty) as (place, model):
        command = program.once(SCENES[scene][0])
        with Terminal(command, place.project, program.environment(place)) as terminal:
            terminal.wait_until(lambda: model.ended or terminal.has_ended, _ENDED_SECONDS)
            terminal.wait_until(lambda: terminal.has_ended, _ENDED_SECONDS)
            write_screen(
                program, place.server, f"{scene}-without-a-screen", terminal.text, place.home
            )
            assert place.server.has_called, f"The tool was not called:\n{terminal.text}"
        return place.server.has_run


@contextmanager
def _place(program: Program, script: Script) -> Iterator[tuple[Place, ScriptedModel]]:
    """A home of so short a name that clients show it whole."""
    with (
        TemporaryDirectory(prefix="", ignore_cleanup_errors=True) as name,
        ScriptedModel(PROMPTS, script, program.named) as model,
    ):
        home = Path(name)
        place = Place(home, home / "friday", model.url, Server(home / "server"))
        place.project.mkdir()
        place.server.folder.mkdir()
        program.set_up(place)
        yield place, model


def operations_of(scene: str) -> list[str]:
    """What a scene's call asks for, in order."""
    tool, arguments = SCENES[scene][1]
    return [it["tool"] for it in arguments.get("changes", ())] or [tool]


def title_of(form: dict[str, Any]) -> str:
    """The title of a form's only field."""
    (field,) = form["requestedSchema"]["properties"].values()
    return str(field["title"])


def choices_of(form: dict[str, Any]) -> list[str]:
    """The choices of a form."""
    (field,) = form["requestedSchema"]["properties"].values()
    return [str(it) for it in field["enum"]]


def sentences_not_on(screen: str, message: str) -> list[str]:
    """The sentences of a message that the screen does not show whole."""
    shown = squeezed(screen)
    sentences = re.split(r"(?<=[.?!:])\s+|\n+", message)
    return [it for it in sentences if squeezed(it) not in shown]


def write_screen(program: Program, server: Server, name: str, text: str, home: Path) -> None:
    """Write a screen, without what is new in each run: times, confirmations, and the home."""
    text = text.replace(str(home), "~")
    text = _NEW_EACH_TIME.sub(_zeros, text)
    for it in server.confirmations:  # a row, in a box or not, may end within one
        text = re.sub(r"[\s│█]*".join(map(re.escape, it)), _letters, text)
    client = server.client
    named = f"{client.get('name')} {client.get('version')}"
    day = time.strftime("%Y-%m-%d", time.gmtime())
    folder = _SCREENS / program.name
    folder.mkdir(parents=True, exist_ok=True)
    head = f"{program.package} {program.version}, which says it is {named}. {day}.\n\n"
    (folder / f"{name}.txt").write_text(head + text, encoding="utf-8")


_NEW_EACH_TIME: Final = re.compile(
    r"(?<!\d)\d\d?:\d\d(?::\d\d(?:\.\d+)?)?(?!\d)"
    r"|\b\d+(?:\.\d+)?(?=m?s\b| seconds)"
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
)


def _letters(found: re.Match[str]) -> str:
    return re.sub(r"[\w-]", "C", found[0])


def _zeros(found: re.Match[str]) -> str:
    return re.sub(r"[0-9a-f](?!s\b)", "0", found[0])
