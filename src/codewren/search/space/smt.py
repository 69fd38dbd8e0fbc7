"""The second paper's SMT step: is there any point, how far can each dimension go, and which limits clash.

Domains are written `Or(x == v, ...)` and bounds are found by bisection with `Solver`: `Optimize` gives up on these
products (ECOSYSTEM). One solver for each combination of categories keeps the arithmetic free of choices. Listing all
points is left to `enumerate`, and tests prove that both agree. The released code lists solutions of 48,400 chunks and
keeps their bounding box; here each side of the box is proven.

Source: Avatar `reduction.py`; SPEC 2.3.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, TypeAlias

import z3

from codewren.core.errors import InfeasibleError, InputError
from codewren.core.formulas import Quantity
from codewren.search.space.enumerate import Limit
from codewren.search.space.space import FIELDS, SearchSpace

Unknown: TypeAlias = Any  # z3 has no types
TIMEOUT_MS = 20_000
LONG_DOMAIN = 200
"""A range of more values than this is written as an interval with a step."""


_STEPS = {"vocab_size": 1000, "hidden_size": 16, "intermediate_size": 32, "max_sequence_length": 16}


def reduced(space: SearchSpace, limits: Sequence[Limit]) -> SearchSpace:
    """The space inside the bounding box of its feasible points: all that the second paper keeps of its SMT step.

    Unit-step ranges are reasoned about in the steps of the paper's SMT phase, and then cut to the box in unit steps.

    Raises:
        InfeasibleError: there is no feasible point; the message names the limits that clash.
        InputError: a cost has no closed form.

    Source: Avatar `reduction.py`; SPEC 2.2, 2.3.
    """
    box = Reasoner(in_papers_steps(space), limits).box()
    return space.with_domains({field: _within(space.values(field), *bounds) for field, bounds in box.items()})


def in_papers_steps(space: SearchSpace) -> SearchSpace:
    """The space with its unit-step ranges in the steps of the paper's SMT phase; the smallest values stay.

    Source: SPEC 2.2.
    """
    ranges = {field: space.values(field) for field in _STEPS if field in space.field_names}
    unit = {field: values for field, values in ranges.items() if isinstance(values, range) and values.step == 1}
    return space.with_domains({field: values[:: _STEPS[field]] for field, values in unit.items()})


class Reasoner:
    """A search space under limits, as constraints on unknown fields.

    Raises:
        InputError: a cost has no closed form that a solver could reason about.
    """

    def __init__(self, space: SearchSpace, limits: Sequence[Limit]) -> None:
        self.space = space
        for limit in limits:
            if limit.cost.form is None:
                raise InputError(f"{limit.cost.name} has no closed form, so a solver cannot bound it; enumerate")
        self._words = [limit.words for limit in limits]
        self._cases = [_Case(case, limits) for case in _by_category(space, limits)]

    def bounds(self, field: str) -> tuple[int, int]:
        """The least and the greatest value of a whole-number field over all feasible points; both are proven.

        Raises:
            InfeasibleError: there is no feasible point.
        """
        self.require_feasible()
        values = sorted(self.space.values(field))
        least = bisect_left(values, x=True, key=lambda value: self._possible(field, lambda x: x <= value))
        beyond = bisect_left(values, x=True, key=lambda value: not self._possible(field, lambda x: x >= value))
        return values[least], values[beyond - 1]

    def box(self) -> dict[str, tuple[int, int]]:
        """Bounds of every whole-number field that varies: what the second paper reduces its space to."""
        return {field: self.bounds(field) for field in self.space.field_names if _is_whole(self.space, field)}

    def clash(self) -> tuple[str, ...]:
        """The fewest limits, in words, that cannot be kept together; empty where all can.

        The solver's unsatisfiable core of every case, less the limits without which it would still be none.
        """
        if self._satisfiable(self._words):
            return ()
        core = sorted({words for case in self._cases for words in case.core(self._words)}, key=self._words.index)
        for words in tuple(core):
            fewer = [limit for limit in core if limit != words]
            core = core if self._satisfiable(fewer) else fewer
        return tuple(core)

    def require_feasible(self) -> None:
        """Check that there is a point.

        Raises:
            InfeasibleError: there is none; the message names the limits that clash.
        """
        if self._satisfiable(self._words):
            return
        reason = " and ".join(self.clash()) or "heads that divide the hidden size"
        raise InfeasibleError(
            f"search space {self.space.name!r} has no point with {reason}; raise a limit or widen the space"
        )

    def _satisfiable(self, words: Sequence[str]) -> bool:
        return any(case.satisfiable(words) for case in self._cases)

    def _possible(self, field: str, condition: Callable[[Unknown], Unknown]) -> bool:
        for index, case in enumerate(self._cases):
            if case.satisfiable(self._words, condition(case.numbers(field))):
                self._cases.insert(0, self._cases.pop(index))  # most likely the one that allows the next value too
                return True
        return False


class _Case:
    """The whole-number fields as unknowns, the categories fixed; one solver for each hidden size.

    Hidden size enters every product: with it known, bytes are all but linear and each answer takes milliseconds. A
    solver is built when it is first asked.
    """

    def __init__(self, space: SearchSpace, limits: Sequence[Limit]) -> None:
        self.space = space
        self._fields = {f: z3.Int(f) for f in FIELDS if len(space.values(f)) > 1 and _is_whole(space, f)}
        self._hidden, self._head_size = z3.Int("hidden_size"), z3.Int("head_size")
        self._switches: dict[str, Unknown] = {}
        self._constraints = [_inside(unknown, space.values(field)) for field, unknown in self._fields.items()]
        for limit in limits:
            if limit.cost.form:
                self._require(limit.words, limit.cost.form(self) <= limit.most)
        self._hidden_sizes = [int(hidden) for hidden in space.values("hidden_size")]
        self._solvers: dict[int, Unknown] = {}
        self._dead: set[tuple[int | str, ...]] = set()  # hidden sizes proven to have no point under these limits

    def numbers(self, field: str) -> Quantity:
        """An unknown whole number, or a known one."""
        if field == "head_size":
            return self._head_size
        if field == "hidden_size":
            return self._hidden
        return self._fields[field] if field in self._fields else int(self.space.values(field)[0])

    def choose(self, field: str, amounts: Mapping[Any, Quantity]) -> Quantity:
        """The amount that belongs to the value of a field."""
        first, *later = self.space.values(field)
        chosen = amounts[first]
        if field in self._fields:
            for value in later:
                chosen = z3.If(self._fields[field] == value, amounts[value], chosen)
        return chosen

    def rounded_up(self, amount: Quantity, multiple: int) -> Quantity:
        """The smallest multiple that is not below a whole amount."""
        if isinstance(amount, int):
            return -(-amount // multiple) * multiple
        return (amount + (multiple - 1)) / multiple * multiple  # `/` of whole unknowns rounds down

    def satisfiable(self, words: Sequence[str], *more: Unknown) -> bool:
        """Whether some point keeps these limits and conditions."""
        for index, hidden in enumerate(self._hidden_sizes):
            if self._check(hidden, words, more) == z3.sat:
                self._hidden_sizes.insert(0, self._hidden_sizes.pop(index))  # the first to ask next time
                return True
        return False

    def core(self, words: Sequence[str]) -> list[str]:
        """Limits that already clash in this case, whatever the hidden size."""
        named = {switch: limit for limit, switch in self._switches.items()}
        clashing = []
        for hidden in self._hidden_sizes:
            solver = self._solver(hidden)
            if solver.check(*(self._switches[limit] for limit in words)) == z3.unsat:
                clashing += [named[switch] for switch in solver.unsat_core()]
        return clashing

    def _solver(self, hidden: int) -> Unknown:
        if hidden not in self._solvers:
            self._solvers[hidden] = self._built(hidden)
        return self._solvers[hidden]

    def _built(self, hidden: int) -> Unknown:
        solver = z3.Solver()
        solver.set("timeout", TIMEOUT_MS)
        solver.set("random_seed", 0)
        heads = self.numbers("num_attention_heads")
        dividing = [count for count in self.space.values("num_attention_heads") if hidden % count == 0]
        solver.add(z3.Or([z3.And(heads == count, self._head_size == hidden // count) for count in dividing]))
        solver.add(self._with_hidden(z3.And(self._constraints), hidden))
        return solver

    def _with_hidden(self, constraint: Unknown, hidden: int) -> Unknown:
        return z3.simplify(z3.substitute(constraint, (self._hidden, z3.IntVal(hidden))))

    def _check(self, hidden: int, words: Sequence[str], more: Sequence[Unknown]) -> Unknown:
        conditions = [self._with_hidden(_truth(condition), hidden) for condition in more]
        if any(z3.is_false(condition) for condition in conditions) or (hidden, *words) in self._dead:
            return z3.unsat
        solver = self._solver(hidden)
        solver.push()
        solver.add(*conditions)
        answer = solver.check(*(self._switches[limit] for limit in words))
        solver.pop()
        if answer == z3.unknown:
            raise InputError(f"the solver gives up on this space ({solver.reason_unknown()}); enumerate it instead")
        if answer == z3.unsat and all(z3.is_true(condition) for condition in conditions):
            self._dead.add((hidden, *words))
        return answer

    def _require(self, words: str, constraint: Unknown) -> None:
        switch = self._switches[words] = z3.Bool(words)
        layers = self.numbers("num_hidden_layers")
        for depth in self.space.values("num_hidden_layers"):
            known = z3.substitute(_truth(constraint), (z3.Int("num_hidden_layers"), z3.IntVal(depth)))
            self._constraints.append(z3.Implies(z3.And(switch, _truth(layers == depth)), known))


def _by_category(space: SearchSpace, limits: Sequence[Limit]) -> Iterator[SearchSpace]:
    """The space with every combination of the categories that a limit depends on; other categories do not matter."""
    costed = {field for limit in limits for field in limit.cost.fields}
    named = [field for field in space.field_names if not _is_whole(space, field)]
    choices = [space.values(field) if field in costed else space.values(field)[:1] for field in named]
    for values in product(*choices):
        yield space.with_domains({field: (value,) for field, value in zip(named, values, strict=True)})


def _is_whole(space: SearchSpace, field: str) -> bool:
    return all(isinstance(value, int) for value in space.values(field))


def _truth(constraint: Unknown) -> Unknown:
    return z3.BoolVal(constraint) if isinstance(constraint, bool) else constraint


def _inside(unknown: Unknown, values: Sequence[int]) -> Unknown:
    between = z3.And(unknown >= min(values), unknown <= max(values))  # says nothing new, but refutes at a glance
    if isinstance(values, range) and len(values) > LONG_DOMAIN:
        return z3.And(between, (unknown - values[0]) % values.step == 0)
    return z3.And(between, z3.Or([unknown == value for value in values]))


def _within(values: Sequence[int], least: int, most: int) -> Sequence[int]:
    """The values between two bounds; what is left of a range stays a range."""
    if isinstance(values, range):
        return values[values.index(least) : values.index(most) + 1]
    return tuple(value for value in values if least <= value <= most)
