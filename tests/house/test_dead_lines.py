"""No line that no verb, public name, test oracle or documented script reaches."""

from collections.abc import Iterator

from source_tree import BODY, SCRIPTS, Module, Node, lines_of, python_files, reached, source_modules

# Definitions that exist to prove others: a second way to the same number, used by tests only, each with its reason.
ORACLES: dict[Node, str] = {
    ("codewren.bundle.size", "similarity_size_bytes"): "bounds the bytes that an encoder's bundle is tested to keep",
    (
        "codewren.train.similarity.function_features",
        "features",
    ): "function by function: the native core's oracle",
    ("codewren.train.similarity.function_features", "ngrams"): "the same for n-grams",
}


def roots() -> Iterator[Node]:
    """Verbs, what `codewren` itself exports, and what the documented scripts use."""
    for module in source_modules().values():
        if module.name.startswith("codewren.cli.") or module.name in {"codewren", "codewren.__main__"}:
            yield from ((module.name, name) for name in (BODY, *module.definitions))
    for path in python_files(*SCRIPTS):
        script = Module.read(path)
        for name in (BODY, *script.definitions):
            yield from script.uses(name)
    yield from ORACLES


def dead_definitions() -> dict[str, int]:
    """Name and length of every module-level function and class that nothing reaches."""
    modules = source_modules()
    alive = reached(modules, roots())
    return {
        f"{module.name}.{name}": lines_of(definition)
        for module in modules.values()
        for name, definition in module.definitions.items()
        if (module.name, name) not in alive and not name.startswith("__")
    }


def test_no_function_or_class_is_dead() -> None:
    dead = dead_definitions()
    assert not dead, f"{sum(dead.values())} dead lines: call them from a verb, or delete them: {dead}"


def test_a_dead_function_would_be_seen(tmp_path) -> None:
    path = tmp_path / "toy.py"
    path.write_text("def used(): return helper()\ndef helper(): return LIMIT\ndef dead(): return used()\nLIMIT = 1\n")
    toy = Module.read(path, "toy")
    assert {name for _, name in reached({"toy": toy}, iter([("toy", "used")]))} == {"used", "helper", "LIMIT", BODY}


def test_every_oracle_still_exists() -> None:
    modules = source_modules()
    for module, name in ORACLES:
        assert name in modules[module].definitions, f"{module}.{name} is gone: take it out of ORACLES"
