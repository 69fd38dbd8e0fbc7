"""What the code around a finding of another tool shows: headers are read, functions parsed, once each."""

import posixpath
import re
from collections import Counter
from functools import lru_cache, partial

from codewren.core.errors import InputError
from codewren.evidence.array_evidence import array_evidence
from codewren.evidence.file_facts import FileFacts
from codewren.evidence.function_view import FunctionView, Given
from codewren.evidence.grade import Evidence, Grade
from codewren.evidence.line_evidence import line_evidence, uncalled, worst
from codewren.syntax.functions import Function
from codewren.verify.reported import Reported
from codewren.verify.source_tree import Source, SourceTree, function_around, lines_text

_INCLUDE = re.compile(rb'^[ \t]*+#[ \t]*+include[ \t]*+"([^"\n]{1,200})"', re.MULTILINE)
_ARRAY = re.compile(r"\b(?:char|TCHAR|wchar_t)\b[^;()]*?(\w+)\s*\[")
_WORD, _CALLED = re.compile(rb"\b[A-Za-z_]\w*+"), re.compile(rb"\b([A-Za-z_]\w*+)\s*+\(")
_FOLDERS = ("", "include", "../include", "..", "src", "../src", "lib", "../lib")
_MOST_HEADERS = 60
_VIEWS_KEPT, _FACTS_KEPT = 200, 50
_LONGEST_CALLERS, _MOST_CALLERS = 500_000, 40  # bytes of a file, functions
_LONGEST_FUNCTION = 100_000  # bytes
_LANGUAGES = frozenset({"c", "cpp"})


class FindingEvidence:
    """Evidence of findings in one tree."""

    def __init__(self, tree: SourceTree) -> None:
        self._tree = tree
        self._facts = lru_cache(_FACTS_KEPT)(self._read_facts)
        self._named = lru_cache(_FACTS_KEPT)(self._read_names)
        self._view = lru_cache(_VIEWS_KEPT)(self._read_view)

    def of(self, finding: Reported) -> Evidence | None:
        """What the line of a finding shows, or None where nothing is known of it."""
        place = finding.places[0]
        source = self._tree.read(place.path)
        if source.reason or source.language not in _LANGUAGES:
            return None
        line = lines_text(source, place.line, place.line)
        words = f"{finding.message} {finding.rule}"
        function = function_around(source, place.line)
        if function is None:
            return uncalled(line, words) or self._global_array(place.path, source, line, words)
        view = self._view(place.path, function)
        if view is None:
            return None
        evidence = line_evidence(view, place.line - function.start_line, words)
        if evidence is None:
            return uncalled(line, words)
        is_one = not evidence.is_harmless or sum(one.start_line == place.line for one in source.functions) < 2
        return evidence if is_one else None  # of several functions on a line: which is meant is not known

    def _global_array(self, path: str, source: Source, line: str, words: str) -> Evidence | None:
        """What the functions of a file write to an array that is declared outside of them."""
        match = _ARRAY.search(line) if "/char:" in words else None
        if match is None:
            return None
        name = match[1]
        writes = list[Evidence]()
        for function in source.functions:
            text = source.text[function.start_byte : function.end_byte]
            view = self._view(path, function) if name.encode() in text else None
            if view is None:
                continue
            for written in view.filled:
                if re.split(r"->|\.", written)[-1] == name and written not in view.arrays:
                    writes.append(array_evidence(view, written))
        evidence = worst(writes)
        return (
            evidence
            if evidence and not evidence.is_harmless
            else Evidence(name, Grade.PLAIN, "nothing writes past it here")
        )

    def _read_view(self, path: str, function: Function) -> FunctionView | None:
        source = self._tree.read(path)
        text = source.text[function.start_byte : function.end_byte]
        if len(text) > _LONGEST_FUNCTION:
            return None
        try:
            return FunctionView(text, source.language, self._facts(path), partial(self._handed, path, function))
        except InputError:
            return None

    def _handed(self, path: str, function: Function, number: int) -> list[Given]:
        """What all callers give a parameter, where the function can be called in its file only."""
        source = self._tree.read(path)
        header = source.text[function.start_byte : function.body_byte]
        name = function.name.encode()
        if not re.search(rb"\bstatic\b", header[: header.find(b"(") + 1]) or len(source.text) > _LONGEST_CALLERS:
            return []
        mentions, calls, callers = self._named(path).get(name, (0, 0, []))
        if mentions != calls or len(callers) > _MOST_CALLERS:
            return []
        views = [view for one in callers if (view := self._view(path, one))]
        given = [(view, call.argument(number)) for view in views for call in view.calls if call.name == function.name]
        return [] if any(node is None for _, node in given) else [(view, node) for view, node in given if node]

    def _read_names(self, path: str) -> dict[bytes, tuple[int, int, list[Function]]]:
        """How often each word of a file stands there, how often before a parenthesis, and the bodies that it is in."""
        source, around = self._tree.read(path), dict[bytes, list[Function]]()
        for function in source.functions:
            for word in set(_WORD.findall(source.text[function.body_byte : function.end_byte])):
                around.setdefault(word, []).append(function)
        words, called = Counter(_WORD.findall(source.text)), Counter(_CALLED.findall(source.text))
        return {word: (count, called[word], around.get(word, [])) for word, count in words.items()}

    def _read_facts(self, path: str) -> FileFacts:
        source = self._tree.read(path)
        texts, paths, seen = [source.text], [(source.path, source.text)], {source.path}
        while paths and len(seen) < _MOST_HEADERS:
            including, text = paths.pop(0)
            for name in _INCLUDE.findall(text):
                header = self._header(including, name.decode("utf-8", "replace"))
                if header and header.path not in seen:
                    seen.add(header.path)
                    texts.append(header.text)
                    paths.append((header.path, header.text))
        return FileFacts(text.decode("utf-8", "replace") for text in texts)

    def _header(self, including: str, name: str) -> Source | None:
        folder = posixpath.dirname(including)
        candidates = (posixpath.normpath(posixpath.join(folder, extra, name)) for extra in _FOLDERS)
        sources = (self._tree.read(candidate) for candidate in candidates)
        return next((source for source in sources if not source.reason), None)
