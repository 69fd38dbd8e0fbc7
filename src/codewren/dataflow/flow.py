"""Reaching definitions over the control flow of one text.

Blocks of reads and writes, joined by edges, solved with sets held in integers: exact for every path, in time linear
in the text for each round, and rounds are few. (The released walkers go through loops twice, loops inside loops four
times, and so on.)
"""

from collections.abc import Iterator

READ = -1
FORGET = -2


class Flow:
    """Reads and writes of variables in blocks; `current` is the block that grows.

    Variables and definitions are numbers. A variable may be part of another (`s.x` of `s`): writing the whole forgets
    what was written into its parts.

    Attributes:
        sources: tokens that each token gets its value from.
        computed: tokens that are assigned.
        current: the block that grows.
        trying: inside a `try`, where any write may be the last before the handler.
    """

    def __init__(self) -> None:
        self.sources: dict[int, set[int]] = {}
        self.computed: set[int] = set()
        self.current = 0
        self.trying = 0
        self._events: list[list[tuple[int, int, int]]] = [[]]
        self._before: list[list[int]] = [[]]
        self._parts: list[list[int]] = []
        self._defined_at: list[int] = []
        self._definitions: list[int] = []
        self._free: dict[int, int] = {}
        self._tentative: set[int] = set()
        self._keeping: set[int] = set()
        self._orphans: list[tuple[int, int]] = []

    def variable(self, *, within: int | None = None, free: bool = False) -> int:
        """A new variable: part of another, or free, which means that it has a value from before the text."""
        number = len(self._parts)
        self._parts.append([])
        self._definitions.append(0)
        if within is not None:
            self._parts[within].append(number)
        if free:
            self._free[number] = self._definition(number, -1)
        return number

    def read(self, token: int, variable: int, *, tentative: bool = False) -> None:
        """The token's value is the variable's; a tentative one is no node unless some definition reaches it."""
        self._events[self.current].append((variable, token, READ))
        if tentative:
            self._tentative.add(token)

    def write(self, token: int, variable: int, *, keep_parts: bool = False) -> None:
        """From here on the variable's value is the token's."""
        definition = self._definition(variable, token)
        self._events[self.current].append((variable, token, definition))
        if keep_parts:
            self._keeping.add(definition)
        if self.trying:
            self.start(self.current)

    def forget(self, variable: int) -> None:
        """From here on the variable has no value."""
        self._events[self.current].append((variable, -1, FORGET))

    def derive(self, token: int, values: "tuple[int, ...] | list[int]") -> None:
        """The token's value is made of those of other tokens."""
        sources = self.sources.get(token)
        if sources is None:
            self.sources[token] = set(values)
        else:
            sources.update(values)

    def start(self, *before: int) -> int:
        """Open a block that follows `before`; without any it cannot be reached."""
        self._events.append([])
        self._before.append(list(before))
        self.current = len(self._events) - 1
        return self.current

    def lead(self, blocks: list[int], to: int) -> None:
        """Let these be followed by `to`, as at the end of a loop."""
        self._before[to] += blocks

    def adopt(self, block: int, since: int) -> None:
        """If nothing leads to `block`, any write since `since` may: a label whose `goto` is hidden in a macro."""
        self._orphans.append((block, since))

    def blocks_since(self, first: int) -> range:
        """Blocks from `first` on."""
        return range(first, len(self._events))

    def absorb(self, block: int, into: int) -> bool:
        """Undo opening the last block if nothing was written in it; whether it was undone."""
        if self.current != block or block != len(self._events) - 1:
            return False
        if any(kind != READ for _, _, kind in self._events[block]):
            return False
        self._events[into] += self._events.pop()
        self._before.pop()
        self.current = into
        return True

    def solve(self) -> None:
        """Turn reads into sources."""
        overwritten = self._overwritten()
        arriving = self._arriving(overwritten)
        first: dict[int, int] = {}
        reads: list[tuple[int, int]] = []
        for block, events in enumerate(self._events):
            now = arriving[block]
            for variable, token, kind in events:
                if kind == READ:
                    reaching = now & self._definitions[variable]
                    reads.append((token, reaching))
                    entry = self._free.get(variable)
                    if entry is not None and reaching >> entry & 1:
                        first[entry] = min(first.get(entry, token), token)
                else:
                    now &= ~(self._definitions if kind in self._keeping else overwritten)[variable]
                    if kind >= 0:
                        now |= 1 << kind
        self._connect(reads, first)

    def _connect(self, reads: list[tuple[int, int]], first: dict[int, int]) -> None:
        """Edges from reads to definitions; a free variable is defined where it is first read."""
        at = self._defined_at
        for token, reaching in reads:
            if not reaching:
                continue
            sources = self.sources.setdefault(token, set())
            for definition in _bits(reaching):
                origin = first[definition] if at[definition] < 0 else at[definition]
                if at[definition] >= 0 or origin != token:
                    sources.add(origin)
        hollow = {token for token in self._tentative if not self.sources.get(token)}.difference(at)
        if hollow:
            for sources in self.sources.values():
                sources.difference_update(hollow)

    def _overwritten(self) -> list[int]:
        """By variable, the definitions that a write of it puts an end to: of itself and all its parts."""
        result = list(self._definitions)
        for variable in range(len(self._parts) - 1, -1, -1):  # parts are younger than what they are part of
            for member in self._parts[variable]:
                result[variable] |= result[member]
        return result

    def _arriving(self, overwritten: list[int]) -> list[int]:
        """By block, the definitions that may hold where it begins."""
        count = len(self._events)
        made, lost = [0] * count, [0] * count
        for block, events in enumerate(self._events):
            for variable, _, kind in events:
                if kind != READ:
                    ended = (self._definitions if kind in self._keeping else overwritten)[variable]
                    lost[block] |= ended
                    made[block] &= ~ended
                    if kind >= 0:
                        made[block] |= 1 << kind
        entry = sum(1 << definition for definition in self._free.values())
        anything = [0] * count
        all_before = self._live(anything)
        arriving, leaving = [0] * count, [0] * count
        changed = True
        while changed:
            changed = False
            for block, before in enumerate(all_before):
                now = anything[block] | (entry if block == 0 or anything[block] else 0)
                for earlier in before:
                    now |= leaving[earlier]
                arriving[block] = now
                now = made[block] | (now & ~lost[block])
                if now != leaving[block]:
                    leaving[block] = now
                    changed = True
        return arriving

    def _live(self, anything: list[int]) -> list[list[int]]:
        """By block, the blocks before it; what cannot be reached leads to nothing that can.

        Args:
            anything: by block, gets the definitions that may hold at an orphan.
        """
        after: list[list[int]] = [[] for _ in self._before]
        for block, before in enumerate(self._before):
            for earlier in before:
                after[earlier].append(block)
        reached = [False] * len(after)
        todo = [0]
        for orphan, since in [*self._orphans, (0, 0)]:
            while todo:
                block = todo.pop()
                if not reached[block]:
                    reached[block] = True
                    todo += after[block]
            if not reached[orphan]:
                todo.append(orphan)
                for block in range(since, orphan):
                    anything[orphan] |= sum(1 << kind for _, _, kind in self._events[block] if kind >= 0)
        return [
            [earlier for earlier in before if reached[earlier]] if reached[block] else before
            for block, before in enumerate(self._before)
        ]

    def _definition(self, variable: int, token: int) -> int:
        number = len(self._defined_at)
        self._defined_at.append(token)
        self._definitions[variable] |= 1 << number
        return number


def _bits(value: int) -> Iterator[int]:
    while value:
        lowest = value & -value
        yield lowest.bit_length() - 1
        value ^= lowest
