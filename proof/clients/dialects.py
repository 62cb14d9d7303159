"""How clients speak to a model: Anthropic Messages, OpenAI Responses and Chat Completions."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Json: TypeAlias = dict[str, Any]
Event: TypeAlias = "tuple[str | None, Json]"
"""Of a stream: its name, if events have one, and its data."""


class Said(NamedTuple):
    """A text in a conversation. `who` is `user`, `assistant`, `tool` or another role."""

    who: str
    text: str


class Call(NamedTuple):
    """A call that the model makes. A namespace comes first, where tools have one."""

    name: str
    arguments: Json
    namespace: str | None = None


class Dialect(Protocol):
    """Reads a request, and writes the answer to it: a call or a text."""

    def said(self, body: Json) -> Iterator[Said]:
        """The conversation so far."""

    def whole(self, model: str, answer: Call | str) -> Json:
        """The answer as one document."""

    def events(self, model: str, answer: Call | str) -> Iterator[Event]:
        """The answer as a stream."""


class Messages:
    """Anthropic Messages."""

    def said(self, body: Json) -> Iterator[Said]:
        """The conversation so far."""
        for message in body["messages"]:
            for block in _blocks(message["content"]):
                if block["type"] == "tool_result":
                    yield Said("tool", _text(block.get("content")))
                elif block["type"] == "text":
                    yield Said(message["role"], block["text"])

    def whole(self, model: str, answer: Call | str) -> Json:
        """The answer as one document."""
        if isinstance(answer, str):
            block, reason = {"type": "text", "text": answer}, "end_turn"
        else:
            block, reason = _tool_use(answer) | {"input": answer.arguments}, "tool_use"
        return self._message(model) | {"content": [block], "stop_reason": reason}

    def events(self, model: str, answer: Call | str) -> Iterator[Event]:
        """The answer as a stream."""
        block: Json
        if isinstance(answer, str):
            block, reason = {"type": "text", "text": ""}, "end_turn"
            delta = {"type": "text_delta", "text": answer}
        else:
            block, reason = _tool_use(answer), "tool_use"
            delta = {"type": "input_json_delta", "partial_json": json.dumps(answer.arguments)}
        usage = {"output_tokens": 5}
        steps: Iterable[Json] = (
            {"type": "message_start", "message": self._message(model)},
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage},
            {"type": "message_stop"},
        )
        yield from ((step["type"], step) for step in steps)

    def _message(self, model: str) -> Json:
        return {
            "id": _id("msg"),
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 10, "output_tokens": 5},
        }


class Responses:
    """OpenAI Responses."""

    def said(self, body: Json) -> Iterator[Said]:
        """The conversation so far."""
        for item in _blocks(body["input"]):
            if item.get("type", "message") == "message":
                yield Said(item["role"], _text(item["content"]))
            elif item["type"] == "function_call_output":
                yield Said("tool", _text(item["output"]))

    def whole(self, model: str, answer: Call | str) -> Json:
        """The answer as one document."""
        usage = {
            "input_tokens": 10,
            "output_tokens": 5,
            "total_tokens": 15,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        }
        done = {"status": "completed", "output": [self._item(answer)], "usage": usage}
        return {"id": _id("resp"), "object": "response", "created_at": 1, "model": model} | done

    def events(self, model: str, answer: Call | str) -> Iterator[Event]:
        """The answer as a stream."""
        done = self.whole(model, answer)
        (item,) = done["output"]
        begun = done | {"status": "in_progress", "output": [], "usage": None}
        steps: Iterable[Json] = (
            {"type": "response.created", "response": begun},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": done},
        )
        for number, step in enumerate(steps):
            yield step["type"], step | {"sequence_number": number}

    def _item(self, answer: Call | str) -> Json:
        if isinstance(answer, str):
            content = [{"type": "output_text", "text": answer, "annotations": []}]
            item = {"type": "message", "id": _id("msg"), "role": "assistant", "content": content}
        else:
            item = {
                "type": "function_call",
                "id": _id("fc"),
                "call_id": _id("call"),
                "name": answer.name,
                "arguments": json.dumps(answer.arguments),
            }
            if answer.namespace:
                item["namespace"] = answer.namespace
        return item | {"status": "completed"}


class ChatCompletions:
    """OpenAI Chat Completions."""

    def said(self, body: Json) -> Iterator[Said]:
        """The conversation so far."""
        for message in body["messages"]:
            yield Said(message["role"], _text(message.get("content")))

    def whole(self, model: str, answer: Call | str) -> Json:
        """The answer as one document."""
        message = {"role": "assistant"} | self._answered(answer)
        choice = {"index": 0, "message": message, "finish_reason": self._reason(answer)}
        return self._part(model, "chat.completion") | {"choices": [choice], "usage": _USAGE}

    def events(self, model: str, answer: Call | str) -> Iterator[Event]:
        """The answer as a stream."""
        part = self._part(model, "chat.completion.chunk")
        for delta, reason in (
            ({"role": "assistant"} | self._answered(answer), None),
            ({}, self._reason(answer)),
        ):
            yield None, part | {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
        yield None, part | {"choices": [], "usage": _USAGE}

    def _answered(self, answer: Call | str) -> Json:
        if isinstance(answer, str):
            return {"content": answer}
        function = {"name": answer.name, "arguments": json.dumps(answer.arguments)}
        call = {"index": 0, "id": _id("call"), "type": "function", "function": function}
        return {"content": None, "tool_calls": [call]}

    def _reason(self, answer: Call | str) -> str:
        return "stop" if isinstance(answer, str) else "tool_calls"

    def _part(self, model: str, kind: str) -> Json:
        return {"id": _id("chatcmpl"), "object": kind, "created": 1, "model": model}


DIALECTS: Final[dict[str, Dialect]] = {
    "/messages": Messages(),
    "/responses": Responses(),
    "/chat/completions": ChatCompletions(),
}
"""By the end of the path of a request."""
_USAGE: Final = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def _blocks(content: str | list[Json]) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "role": "user", "text": content, "content": content}]
    return content


def _text(content: str | list[Json] | None) -> str:
    if isinstance(content, list):
        return "\n".join(it.get("text", "") for it in content)
    return content or ""


def _tool_use(call: Call) -> Json:
    return {"type": "tool_use", "id": _id("toolu"), "name": call.name, "input": {}}


def _id(kind: str) -> str:
    return f"{kind}_{uuid.uuid4().hex[:16]}"
