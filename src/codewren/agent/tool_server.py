"""The tools of `codewren mcp`: small answers about the functions of one tree, over the Model Context Protocol.

Nothing here writes to standard output, which carries the protocol, or opens a connection. Paths are confined to the
tree.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from pydantic import Field

from codewren.agent.confined import confined, current_text
from codewren.agent.duplicates import Duplicate, Edit, duplicates
from codewren.agent.judgement import judgement
from codewren.agent.unified_diff import edits_of
from codewren.core.errors import CodewrenError, InputError
from codewren.core.files import unicode_path
from codewren.core.task import Unit
from codewren.index.query import Filters
from codewren.index.results import Answer, Match
from codewren.index.tree_index import Index
from codewren.predict.predictor import load_for_report
from codewren.scan.result import ScanOptions
from codewren.scan.scan import scan as scan_paths
from codewren.scan.source_files import TESTS
from codewren.scan.telling_lines import with_token_counts

FRESH_S = 2.0  # an index that was brought up to date so recently is not looked at again
MOST_MATCHES, MOST_FINDINGS, MOST_FUNCTIONS = 20, 50, 50
INSTRUCTIONS = """Before you write a function, ask find_similar or check_duplicates whether the tree has one that does
the same, and use or extend it. Places are path:line, relative to the root. Functions in tests are left out unless asked
for. Similarity is a cosine; probability is a small model's, a hint where to look and no proof."""

Text = Annotated[str, Field(description="Source text, saved or not.")]
PathInTree = Annotated[str, Field(description="Path of a file, relative to the root.")]
Language = Annotated[str, Field(description="c, cpp, java, python, javascript, typescript, tsx, go, csharp or rust.")]


@contextmanager
def _told() -> Iterator[None]:
    """Tell the agent what is wrong in our own words; the SDK hides the text of other exceptions."""
    try:
        yield
    except CodewrenError as error:
        raise ToolError(str(error)) from None


class Tools:
    """What the tools do, on one tree."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._mutex = threading.Lock()
        self._updated_at = -FRESH_S

    def find_similar(
        self,
        path: PathInTree = "",
        line: Annotated[int, Field(ge=0, description="Line inside the function; 0 for every function.")] = 0,
        text: Text = "",
        language: Language = "",
        top: Annotated[int, Field(ge=1, le=MOST_MATCHES)] = 3,
        include_tests: bool = False,
    ) -> dict[str, Any]:
        """Find functions of the tree that are like a given one, in any language: by path and line, or by text."""
        with _told():
            file = confined(self.index.root, path) if path else None
            content = text or (current_text(file) if file else "")
            if not content.strip():
                raise InputError("nothing to look for: give text, or the path of a file (and a line) of the tree")
            self._update()
            answers = self.index.query(
                content,
                language=language or None,
                path=file,
                line=line or None,
                k=top,
                filters=Filters(with_tests=include_tests),
            )
            return {"functions": [_small(answer) for answer in answers[:MOST_FUNCTIONS]], **_cut(answers)}

    def check_duplicates(
        self,
        path: PathInTree = "",
        text: Text = "",
        diff: Annotated[str, Field(description="A unified diff against the files as they are.")] = "",
        include_tests: bool = False,
    ) -> dict[str, Any]:
        """Say which functions of a text not saved yet, or of a diff, exist already in the tree, and where."""
        with _told():
            if bool(diff) == bool(path and text):
                raise InputError("give either a diff, or the path of a file and its new text")
            root = self.index.root
            edits = edits_of(diff, root) if diff else [_edit(confined(root, path), text)]
            self._update()
            seen = duplicates(self.index, edits, with_tests=include_tests)
            shown = [_short(duplicate, root) for duplicate in seen]
            return {"duplicates": shown[:MOST_FINDINGS], **_cut(shown, MOST_FINDINGS)}

    def scan(
        self,
        path: PathInTree = ".",
        model: Annotated[
            str, Field(description="vulnerability-c, hints-c, clones, clone-java, or the path of a bundle.")
        ] = "clones",
        top: Annotated[int, Field(ge=1, le=MOST_FINDINGS)] = 10,
        include_tests: bool = False,
    ) -> dict[str, Any]:
        """Scan a file or folder of the tree: classes of clones, or functions a model finds vulnerable."""
        with _told():
            place = confined(self.index.root, path)
            options = ScanOptions(exclude=() if include_tests else TESTS, jobs=1)
            predictor = load_for_report(model)
            result = scan_paths([os.fspath(place)], predictor, options)
            first = result.findings[:top]
            if predictor.task.unit is Unit.FUNCTION:
                first = with_token_counts(first, predictor)
            findings = [_relative(finding.to_dict(), self.index.root) for finding in first]
            said = [*result.gaps, *result.remarks]
            remarks = {"remarks": said} if said else {}
            return {"findings": findings, "functions": result.functions, **remarks, **_cut(result.findings, top)}

    def explain(
        self,
        path: PathInTree,
        line: Annotated[int, Field(ge=1, description="A line inside the function.")],
        model: Annotated[str, Field(description="A bundle that judges functions.")] = "vulnerability-c",
    ) -> dict[str, Any]:
        """Say how a model judges the function at a line, and what is like it elsewhere in the tree."""
        with _told():
            return judgement(self.index, confined(self.index.root, path), line, load_for_report(model))

    def _update(self) -> None:
        with self._mutex:
            if time.monotonic() - self._updated_at >= FRESH_S:
                self.index.update()
                self._updated_at = time.monotonic()


def _edit(file: Path, text: str) -> Edit:
    return Edit(os.fspath(file), current_text(file), text)


def _small(answer: Answer) -> dict[str, Any]:
    """An answer in as few words as hold it: an agent pays for each."""
    matches = [_place(match) for match in answer.matches]
    return {"name": answer.name, "lines": [answer.start_line, answer.end_line], "matches": matches}


def _place(match: Match) -> dict[str, Any]:
    return {
        "place": f"{unicode_path(match.path)}:{match.start_line}-{match.end_line}",
        "name": match.name,
        "kind": match.kind,
        "similarity": round(match.similarity, 2),
        "probability": round(match.probability, 2),
    }


def _short(duplicate: Duplicate, root: Path) -> dict[str, Any]:
    place = f"{unicode_path(os.path.relpath(duplicate.path, root))}:{duplicate.start_line}"
    return {"place": place, "name": duplicate.name, "original": _place(duplicate.original), "says": str(duplicate)}


def _relative(described: Any, root: Path) -> Any:
    """JSON in which every path is relative to the root."""
    if isinstance(described, dict):
        return {
            name: os.path.relpath(value, root) if name == "path" and os.path.isabs(value) else _relative(value, root)  # noqa: PTH117
            for name, value in described.items()
        }
    return [_relative(item, root) for item in described] if isinstance(described, list) else described


def _cut(items: Sequence[object], most: int = MOST_FUNCTIONS) -> dict[str, int]:
    """How many were left out, where some were."""
    return {"left_out": len(items) - most} if len(items) > most else {}


def server(index: Index, version: str) -> MCPServer:
    """A server of the tools."""
    tools = Tools(index)
    served = [_strict(tool) for tool in (tools.find_similar, tools.check_duplicates, tools.explain, tools.scan)]
    return MCPServer("codewren", version=version, instructions=INSTRUCTIONS, log_level="ERROR", tools=served)


def _strict(function: Callable[..., Any]) -> Tool:
    """A tool that refuses arguments it does not know: of a misspelt one the SDK would say nothing."""
    tool = Tool.from_function(function)
    arguments = tool.fn_metadata.arg_model
    arguments.model_config["extra"] = "forbid"
    arguments.model_rebuild(force=True)
    return tool.model_copy(update={"parameters": arguments.model_json_schema(by_alias=True)})
