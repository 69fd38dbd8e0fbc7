"""What an agent's tool call would write, read from the JSON that a hook gets.

Source: the hooks reference of Claude Code (docs.claude.com): `PreToolUse` and `PostToolUse` with the tools Write, Edit
and MultiEdit. Agents with the same form, and a plain `{"path", "content"}`, are read too.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codewren.agent.confined import confined, current_text
from codewren.agent.duplicates import Edit
from codewren.core.errors import InputError

EVENTS = ("PreToolUse", "PostToolUse")
TOOLS = ("Write", "Edit", "MultiEdit")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A write that is about to happen, or has.

    Attributes:
        event: one of `EVENTS`; "" for the plain form.
        path: as the agent names it.
        content: the whole new text; None where only replacements are known.
        replacements: old text, new text, and whether all occurrences are replaced.
        folder: that paths are relative to; "" where the call names none.
        original: the text before a write that has happened; None where the call does not say.
    """

    event: str
    path: str
    content: str | None
    replacements: tuple[tuple[str, str, bool], ...]
    folder: str
    original: str | None = None

    def edit(self, root: Path) -> Edit:
        """The file as it is, and as it will be.

        Raises:
            InputError: the file is outside the root, or has not the text to be replaced.
        """
        path = confined(root, str(Path(self.folder, self.path)) if self.folder else self.path)
        now = current_text(path)
        if self.event == "PostToolUse":
            after = now if self.content is None else self.content
            return Edit(str(path), self._undone(after) if self.original is None else self.original, after)
        return Edit(str(path), now, self._done(now) if self.content is None else self.content)

    def _done(self, text: str) -> str:
        for old, new, everywhere in self.replacements:
            if old and old not in text:
                raise InputError(f"{self.path} does not hold the text that is to be replaced")
            text = text.replace(old, new, -1 if everywhere else 1) if old else text + new
        return text

    def _undone(self, text: str) -> str:
        """About what was there before the write: what was replaced; of a whole new file nothing is known."""
        if self.content is not None:
            return ""
        for old, new, everywhere in reversed(self.replacements):
            text = text.replace(new, old, -1 if everywhere else 1) if new else text
        return text


def read_call(raw: str) -> ToolCall | None:
    """Read a call; None for one that writes nothing.

    Raises:
        InputError: it is not JSON of a known form.
    """
    try:
        call = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InputError(f"standard input is not JSON ({error})") from None
    if not isinstance(call, dict):
        raise InputError("standard input is no JSON object; see docs/agents.md for the forms")
    if "tool_name" not in call:
        return ToolCall("", _text(call, "path"), _text(call, "content"), (), "")
    if call.get("hook_event_name", EVENTS[0]) not in EVENTS or call["tool_name"] not in TOOLS:
        return None
    given = call.get("tool_input")
    if not isinstance(given, dict):
        raise InputError("the tool call has no tool_input")
    event, folder = str(call.get("hook_event_name", EVENTS[0])), call.get("cwd")
    response = call.get("tool_response")
    original = response.get("originalFile") if isinstance(response, dict) else None
    content = _text(given, "content") if call["tool_name"] == "Write" else None
    replacements = () if content is not None else _replacements(given, call["tool_name"])
    return ToolCall(
        event,
        _text(given, "file_path"),
        content,
        replacements,
        folder if isinstance(folder, str) else "",
        original if isinstance(original, str) else None,
    )


def _replacements(given: Mapping[str, Any], tool: str) -> tuple[tuple[str, str, bool], ...]:
    edits = given.get("edits") if tool == "MultiEdit" else [given]
    if not isinstance(edits, Sequence) or not all(isinstance(edit, dict) for edit in edits):
        raise InputError("the tool call's edits are no list of objects")
    return tuple(
        (_text(edit, "old_string"), _text(edit, "new_string"), edit.get("replace_all") is True) for edit in edits
    )


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise InputError(f"the tool call's {name} is {type(value).__name__}, a string was wanted")
    return value
