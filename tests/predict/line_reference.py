"""The measures of a line in plain Python, written from `docs/bundle-format.md`: the measure of the native core."""

from codewren import _native
from codewren.bundle.hint import LINE_DEPTH, LINE_MEASURES
from codewren.train.similarity.source_lexer import Kind, words
from predict.hint_reference import COMPARISONS, KEYWORDS, Function, token_lines

SYMBOLS = {
    "assignments": words("= += -= *= /= %= &= |= ^= <<= >>="),
    "comparisons": sorted(COMPARISONS),
    "conjunctions": ["&&", "||"],
    "negations": ["!"],
    "indices": ["["],
    "members": ["->", "."],
    "products": ["*", "/", "%"],
    "sums": ["+", "-", "++", "--"],
    "shifts": ["<<", ">>"],
    "commas": [","],
}
KEYWORD_MEASURES = {
    "branches": words("if else switch case default"),
    "loops": words("for while do"),
    "jumps": words("return goto break continue"),
    "sizes": ["sizeof"],
}
PARTS = {
    "size words": words("len size count num max width height offset limit bytes rows columns"),
    "failure words": words("err throw exception warn fail fatal log debug"),
    "freeing words": words("free destroy relinquish delete release close"),
    "copying words": words("cpy memmove memset cat printf read write copy"),
}
NEIGHBOURS = words("tokens calls assignments branches loops jumps declares facts failures")
Measures = dict[str, int]


def keyword_measure(text: str) -> str:
    return next((name for name, known in KEYWORD_MEASURES.items() if text in known), "types")


class LineReference:
    """Measures of the lines of a function on which a token begins, by their number from 0."""

    def __init__(self, text: str) -> None:
        self.function = Function(text)
        self.texts = text.encode().decode("latin-1").split("\n")
        self.lines = token_lines(text, self.function.words)
        self.numbers = sorted(set(self.lines))
        self.depths = self._depths()
        rows = {number: self._own(number, place) for place, number in enumerate(self.numbers)}
        for fact in _native.hint_facts([text])[0]:
            rows[fact[0] - 1]["facts"] += 1
            rows[fact[0] - 1]["unchecked"] += bool(fact[3]) and not fact[4]
        self.rows = {number: self._all(rows, place) for place, number in enumerate(self.numbers)}

    def telling(self) -> list[int]:
        """Lines on which a token begins that is no operator."""
        kinds = zip(self.lines, self.function.tokens, strict=True)
        return sorted({line for line, token in kinds if token.kind is not Kind.OPERATOR})

    def _depths(self) -> list[int]:
        depths = [0]
        for token in self.function.tokens:
            change = (token.text == "{") - (token.text == "}") if token.kind is Kind.OPERATOR else 0
            depths.append(max(0, depths[-1] + change))
        return depths

    def _own(self, number: int, place: int) -> Measures:
        own = [k for k, line in enumerate(self.lines) if line == number]
        row = dict.fromkeys(LINE_MEASURES, 0)
        before = self.function.words[own[0] - 1] if own[0] else ";"
        row |= {
            "bytes": len(self.texts[number].strip(" \t\n\v\f\r")),
            "tokens": len(own),
            "goes on": int(before not in (";", "{", "}", ":")),
            "declares": int(self._declares(own[0])),
            "depth": self.depths[own[0]],
            "place": 255 * own[0] // len(self.lines),
            "number": place,
            "behind": len(self.numbers) - 1 - place,
            "all": len(self.numbers),
        }
        for k in own:
            self._token(row, k)
        return row

    def _token(self, row: Measures, k: int) -> None:
        token = self.function.tokens[k]
        if token.kind is Kind.NUMBER:
            row["numbers"] += 1
        elif token.kind is Kind.STRING:
            row["strings"] += 1
        elif token.kind is Kind.OPERATOR:
            for name, known in SYMBOLS.items():
                row[name] += token.text in known
        elif token.text in KEYWORDS:
            row[keyword_measure(token.text)] += 1
        else:
            self._name(row, k, token.text)

    def _name(self, row: Measures, k: int, text: str) -> None:
        lowered = "".join(letter.lower() if letter.isascii() else letter for letter in text)
        row["capitals"] += len(text) > 1 and not any("a" <= letter <= "z" for letter in text)
        for name, parts in PARTS.items():
            row[name] += any(part in lowered for part in parts)
        variables, variable = self.function.variables, self.function.variables[k]
        if variable is None:
            row["calls"] += 1
            return
        lines = [line for line, other in zip(self.lines, variables, strict=True) if other == variable]
        is_compared = self.function.compared.get(variable, k) < k
        row["variables"] += 1
        row["compared"] += is_compared
        row["uncompared"] += not is_compared
        row["first"] += lines[0] == self.lines[k]
        row["last"] += lines[-1] == self.lines[k]
        row["uses"] = max(row["uses"], len(lines))

    def _is_name(self, k: int) -> bool:
        tokens = self.function.tokens
        return k < len(tokens) and tokens[k].kind is Kind.WORD and tokens[k].text not in KEYWORDS

    def _declares(self, k: int) -> bool:
        text = self.function.words[k : k + 4]
        if self.function.tokens[k].kind is not Kind.WORD:
            return False
        if not self._is_name(k):
            return keyword_measure(text[0]) == "types"
        return self._is_name(k + 1) or (text[1:2] == ["*"] and self._is_name(k + 2) and text[3:] != [")"])

    def _all(self, rows: dict[int, Measures], place: int) -> list[int]:
        row = rows[self.numbers[place]]
        for side, other in (("before", place - 1), ("behind", place + 1)):
            if 0 <= other < len(self.numbers):
                neighbour = rows[self.numbers[other]]
                for name in NEIGHBOURS:
                    row[f"{side} {name}"] = neighbour["failure words" if name == "failures" else name]
        return [min(255, row[name]) for name in LINE_MEASURES]


def plain_tree_value(tree: list[int], measures: list[int]) -> int:
    """What a tree adds: its leaves stand in the order of the answers, no before yes."""
    answers = [measures[tree[2 * level]] > tree[2 * level + 1] for level in range(LINE_DEPTH)]
    place = sum(answer << LINE_DEPTH - 1 - level for level, answer in enumerate(answers))
    return tree[2 * LINE_DEPTH + place]
