"""A hint adds up what a plain reading of its features gives, line by line, and cuts nothing off."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import codewren
from codewren import _native
from codewren.bundle.hint import LINE_MEASURES, MEASURES, covariates
from codewren.core.errors import InputError
from codewren.predict.hint import HintPredictor
from codewren.predict.hint_evidence import Fact
from codewren.predict.predictor import load
from codewren.train.similarity.source_lexer import words
from hints import CALIBRATIONS, HEADS, KINDS, known_features, random_trees, random_weights, write_hint
from predict.hint_reference import Function
from predict.line_reference import LineReference, plain_tree_value

COPY = """int read_header(struct stream *s, char *out, int len)
{
    /* a comment
       of two lines */
    char buf[64];
    if (s == NULL)
        return -1;
    memcpy(buf, s->data, len);
    for (int i = 0; i < len; i++)
        out[i] = buf[i] + 1;
    return len;
}
"""
OTHER = """static void free_all(node_t *n)
{
  while (n) {
    node_t *next = n->next;
    free(n);
    n = next;
  }
}
"""
CPP = """template <typename T>
std::vector<T> Reader::take(const std::span<T> &from, std::size_t len) noexcept
{
    auto out = std::make_unique<T[]>(len);
    std::copy_n(from.begin(), len, out.get());
    if (auto it = seen_.find(len); it != seen_.end()) throw error_(R"(again)");
    std::sort(out.get(), out.get() + len, [&](const T &a, const T &b) { return a < b; });
    delete[] last_;
    return {out.get(), out.get() + len};
}
"""
EMPTY = ("", "   \n\n", "/* nothing */")


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> HintPredictor:
    predictor = load(write_hint(tmp_path_factory.mktemp("hint") / "small.wren", (COPY, OTHER)))
    assert isinstance(predictor, HintPredictor)
    return predictor


def plain_scores(text: str) -> tuple[dict[str, float], list[int]]:
    """Scores of the heads by their definition, from the distinct features and their counts."""
    arrays, known = random_weights((COPY, OTHER)), known_features((COPY, OTHER))
    rows = dict(zip((known >> np.uint64(32)).tolist(), arrays["rows"].tolist(), strict=True))
    _, hashes, counts, measures = _native.hint_features([text])
    squares, sums = 0, [0] * len(HEADS)
    for value, count in zip(np.frombuffer(hashes, np.uint64).tolist(), np.frombuffer(counts, np.uint32), strict=True):
        if row := rows.get(value >> 32):
            damped = round(16 * (1 + math.log(min(int(count), 64))))
            squares += damped**2
            sums = [total + damped * weight for total, weight in zip(sums, row, strict=True)]
    root = math.sqrt(squares) or 1.0
    scores = {name: scale * total / root for (name, scale), total in zip(HEADS.items(), sums, strict=True)}
    return scores, np.frombuffer(measures, np.uint32).tolist()


@pytest.mark.parametrize("text", [COPY, OTHER, COPY * 3, CPP, *EMPTY])
def test_probabilities_are_those_of_the_definition(predictor: HintPredictor, text: str) -> None:
    scores, measures = plain_scores(text)
    for name, values in (("general", predictor.suspicion([text])), ("review", predictor.review_first([text]))):
        calibration = CALIBRATIONS[name]
        line = sum(slope * x for slope, x in zip(calibration.counts, covariates(measures), strict=True))
        odds = calibration.offset + line + sum(slope * scores[head] for head, slope in calibration.heads.items())
        assert values[0] == pytest.approx(1 / (1 + math.exp(-odds)), rel=1e-12)


def test_the_lines_and_the_rest_are_the_log_odds(predictor: HintPredictor) -> None:
    for text in (COPY, OTHER, COPY.replace("\n", "\n\n"), *EMPTY):
        (explanation,) = predictor.explain([text])
        _, measures = plain_scores(text)
        general = CALIBRATIONS["general"]
        rest = general.offset + sum(a * b for a, b in zip(general.counts, covariates(measures), strict=True))
        assert sum(line.score for line in explanation.lines) + rest == pytest.approx(predictor.logits([text])[0][1])
        assert [line.line for line in explanation.lines] == list(range(1, text.count("\n") + 2))


def test_lines_without_tokens_carry_nothing(predictor: HintPredictor) -> None:
    (explanation,) = predictor.explain([COPY])
    assert [line.score for line in explanation.lines][2:4] == [0.0, 0.0]
    assert any(line.score for line in explanation.lines)


def test_comments_and_white_space_change_nothing(predictor: HintPredictor) -> None:
    other = COPY.replace("/* a comment\n       of two lines */\n", "// another\n\n").replace("    ", "\t ")
    assert predictor.suspicion([other]) == predictor.suspicion([COPY])
    assert predictor.review_first([other]) != predictor.review_first([COPY.replace("buf[i] + 1", "buf[i]")])


def test_the_last_token_of_a_long_function_counts(predictor: HintPredictor) -> None:
    body = "    total += values[k] * 2;\n" * 3000
    text = f"int f(int *values, int k)\n{{\n    int total = 0;\n{body}    memcpy(buf, s->data, len);\n}}\n"
    ((read, total),) = predictor.count_tokens([text])
    assert read == total > 20_000
    assert predictor.suspicion([text]) != predictor.suspicion([text.replace("len);\n}", "9);\n}")])


def test_threads_change_nothing(predictor: HintPredictor) -> None:
    texts = [COPY[: 20 * k] for k in range(20)] + [OTHER] * 5
    several = HintPredictor(predictor.bundle, threads=4)
    assert several.logits(texts) == HintPredictor(predictor.bundle, threads=1).logits(texts)
    assert several.explain(texts) == predictor.explain(texts)


def test_kinds_are_probabilities(predictor: HintPredictor) -> None:
    for kinds in predictor.kinds([COPY, OTHER, ""]):
        assert list(kinds) == list(KINDS)
        assert sum(kinds.values()) == pytest.approx(1)


def test_calibrations_are_opened_by_name(predictor: HintPredictor) -> None:
    review, own = (load(f"{predictor.path}@{name}") for name in ("review", "own"))
    assert [row[1] for row in review.predict_proba([COPY, OTHER])] == predictor.review_first([COPY, OTHER])
    assert own.predict_proba([COPY]) != predictor.predict_proba([COPY])
    with pytest.raises(codewren.core.errors.BundleError, match="no calibration 'absent'; it has general, review, own"):
        load(f"{predictor.path}@absent")


def test_pairs_are_refused(predictor: HintPredictor) -> None:
    with pytest.raises(InputError, match="wanted: a list of source strings"):
        predictor.predict([(COPY, OTHER)])
    with pytest.raises(InputError, match="judges single functions"):
        predictor.pairs_above(b"")
    with pytest.raises(InputError, match="lines correspond in pairs"):
        predictor.correspondence(COPY, OTHER)
    with pytest.raises(InputError, match="no vectors"):
        predictor.encode([COPY])


def facts(text: str) -> list[Fact]:
    return [Fact(*fact) for fact in _native.hint_facts([text])[0]]


def test_facts_know_what_was_compared_before() -> None:
    assert facts(COPY) == [
        Fact(8, "copy", "memcpy", "len", False),
        Fact(10, "index", "out", "i", True),
        Fact(10, "index", "buf", "i", True),
    ]
    checked = COPY.replace("s == NULL", "len > 64")
    assert facts(checked)[0] == Fact(8, "copy", "memcpy", "len", True)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("strcpy(a, b);", Fact(1, "unbounded", "strcpy", "b", False)),
        ("p = malloc(n * m);", Fact(1, "allocation", "malloc", "m", False)),
        ("p = xrealloc(q, n);", Fact(1, "allocation", "xrealloc", "q", False)),
        ("printf(text);", Fact(1, "format", "printf", "text", False)),
        ("system(line);", Fact(1, "command", "system", "line", False)),
    ],
)
def test_a_call_is_a_fact(statement: str, expected: Fact) -> None:
    assert expected in facts(f"void f() {{ {statement} }}")


def test_constants_and_sizes_decide_nothing() -> None:
    text = 'void f() { printf("%d", n); memset(a, 0, sizeof a); p = malloc(sizeof(struct s)); b[LAST] = run(x); }'
    assert facts(text) == [Fact(1, "copy", "memset", "", False), Fact(1, "allocation", "malloc", "", False)]
    assert facts("void f() { p = malloc(n * sizeof(*p)); }") == [Fact(1, "allocation", "malloc", "n", False)]


def test_use_after_free_is_seen_in_one_run_of_statements() -> None:
    kinds = [fact.kind for fact in facts("void f() { free(p); p->next = 0; }")]
    assert kinds == ["free", "freed"]
    assert [fact.kind for fact in facts("void f() { free(p); p = 0; use(p); }")] == ["free"]
    assert [fact.kind for fact in facts("void f() { if (x) { free(p); return; } use(p); }")] == ["free"]


def native_measures(text: str) -> tuple[list[int], list[list[int]]]:
    _, numbers, values = _native.hint_line_measures([text])
    rows = np.frombuffer(values, np.uint8).reshape(-1, len(LINE_MEASURES)).tolist()
    return np.frombuffer(numbers, np.uint32).tolist(), rows


PARTS = st.sampled_from(
    (
        *words('buf_len memcpy free MAX err n int if for return sizeof 9 "%s" { } ( ) [ ] ; , * -> = += < ! && << + é'),
        *(" ", "/* x\n*/", "\n", "\n", "\n"),
    )
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(PARTS, max_size=120))
def test_measures_of_lines_are_those_of_the_definition(parts: list[str]) -> None:
    text = " ".join(parts)
    reference = LineReference(text)
    assert native_measures(text) == (reference.telling(), [reference.rows[number] for number in reference.telling()])


def test_measures_of_a_line_say_what_it_holds() -> None:
    numbers, rows = native_measures(COPY)
    assert numbers == [0, 4, 5, 6, 7, 8, 9, 10]
    copying = dict(zip(LINE_MEASURES, rows[4], strict=True))
    wanted = {"bytes": 26, "tokens": 11, "variables": 4, "calls": 1, "compared": 1, "uncompared": 3, "first": 1}
    wanted |= {"last": 2, "uses": 4, "facts": 1, "unchecked": 1, "depth": 1, "size words": 1, "copying words": 1}
    assert {name: copying[name] for name in wanted} == wanted
    assert copying["before jumps"] == copying["behind loops"] == 1


@pytest.mark.parametrize("text", [COPY, OTHER, COPY * 3, CPP, *EMPTY])
def test_likelihoods_are_the_shares_of_what_the_trees_add(predictor: HintPredictor, text: str) -> None:
    reference, trees = LineReference(text), random_trees(20).tolist()
    scores = {line: sum(plain_tree_value(tree, reference.rows[line]) for tree in trees) for line in reference.telling()}
    total = sum(math.exp(score / 256) for score in scores.values())
    expected = [math.exp(scores[k] / 256) / total if k in scores else 0.0 for k in range(text.count("\n") + 1)]
    assert predictor.line_likelihoods([text])[0] == pytest.approx(expected)


def test_the_likeliest_lines_come_first(predictor: HintPredictor) -> None:
    (explanation,) = predictor.explain([COPY])
    (likelihoods,) = predictor.line_likelihoods([COPY])
    assert [line.likelihood for line in explanation.lines] == likelihoods
    strongest = explanation.strongest(3)
    assert [line.likelihood for line in strongest] == sorted(likelihoods, reverse=True)[:3]


def test_a_hint_without_trees_ranks_lines_by_their_scores(predictor: HintPredictor) -> None:
    (explanation,) = HintPredictor(replace(predictor.bundle, line_trees=())).explain([COPY])
    assert {line.likelihood for line in explanation.lines} == {None}
    assert [line.score for line in explanation.lines] == [line.score for line in predictor.explain([COPY])[0].lines]


@pytest.mark.parametrize("numbers", [[0] * 13, [58] + [0] * 13, [0, 256] + [0] * 12, [-1] + [0] * 13])
def test_numbers_that_are_no_trees_are_refused(numbers: list[int]) -> None:
    with pytest.raises(ValueError, match="tree"):
        _native.HintLines(numbers)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(alphabet="ab_(){}[];,*&=!<>-+.\"'/\\\n if", max_size=120))
def test_any_text_is_read(text: str) -> None:
    sizes, hashes, counts, measures = _native.hint_features([text])
    assert len(hashes) == 2 * len(counts) == 8 * int(np.frombuffer(sizes, np.uint32)[0])
    assert len(measures) == 4 * len(MEASURES)
    assert all(1 <= fact.line <= text.count("\n") + 1 for fact in facts(text))


NOT_ASCII = 'int f(char *naïve) { return strlen(naïve) > 3 ? g("é %d", 0x1F) : -1; }'


def assert_features_of_the_reference(text: str) -> None:
    reference = Function(text)
    _, hashes, counts, measures = _native.hint_features([text])
    features = zip(np.frombuffer(hashes, np.uint64).tolist(), np.frombuffer(counts, np.uint32).tolist(), strict=True)
    assert dict(features) == dict(reference.features)
    assert np.frombuffer(measures, np.uint32).tolist() == [reference.measures[name] for name in MEASURES]


@pytest.mark.parametrize("text", [COPY, OTHER, COPY + OTHER, NOT_ASCII, *EMPTY])
def test_features_are_those_of_the_reference(text: str) -> None:
    assert_features_of_the_reference(text)


SIGNS = words("if ( ) { } [ ] ; , = == < ! * -> + . sizeof return while")
WORDS = ["a", "len", "buf", "memcpy", "HTTPHeader_2", "free", '"%s"', "'c'", "0", "65536"]
PIECES = st.sampled_from([*SIGNS, *WORDS, "\n", "/* c */", "// c\n"])


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(PIECES, max_size=60).map(" ".join))
def test_features_of_any_tokens_are_those_of_the_reference(text: str) -> None:
    assert_features_of_the_reference(text)


def test_half_a_surrogate_pair_is_refused_by_every_question(predictor: HintPredictor) -> None:
    for ask in (predictor.line_likelihoods, predictor.review_first, predictor.kinds, predictor.explain):
        with pytest.raises(InputError, match="surrogate"):
            ask(["int f(){\ud800}"])
