"""Answer a hook: nothing, or a warning that a function about to be written exists already."""

import json
from typing import TYPE_CHECKING

from codewren.agent.duplicates import duplicates
from codewren.core.errors import InputError

if TYPE_CHECKING:
    from codewren.agent.tool_call import ToolCall
    from codewren.index.tree_index import Index

MOST_FILES = 300  # changed since the last update; more take too long for a hook
_MOST_WARNINGS = 3


def answer(index: "Index", call: "ToolCall") -> str:
    """What to print: JSON with a warning, or nothing.

    The form has no decision in it, so the agent's own rules about permissions hold.

    Raises:
        InputError: the call cannot be judged, or the index is not built.
    """
    edit = call.edit(index.root)
    update = index.update(most_files=MOST_FILES, wait_s=0)
    if update.is_partial:
        raise InputError(f"over {MOST_FILES} files are not in the index of {index.root}; run: codewren index")
    warnings = [str(duplicate) for duplicate in duplicates(index, [edit])]
    if not warnings:
        return ""
    more = [f"and {len(warnings) - _MOST_WARNINGS} more"] if len(warnings) > _MOST_WARNINGS else []
    text = "; ".join([*warnings[:_MOST_WARNINGS], *more])
    if not call.event:
        return json.dumps({"warning": text})
    advice = f"codewren: {text}. Use or extend what exists, if it fits."
    specific = {"hookEventName": call.event, "additionalContext": advice}
    return json.dumps({"systemMessage": f"codewren: {text}", "hookSpecificOutput": specific})
