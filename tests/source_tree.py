"""The repository as the house tests read it: its files, its modules, and what each definition uses."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
SCRIPTS = ("benchmarks", "examples", "tools", "scripts")  # the folders whose scripts the documents name
FOLDERS = ("docs", "findings", ".github")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(path for name in FOLDERS for path in (ROOT / name).rglob("*.md"))])
BODY = "<body>"

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Node = tuple[str, str]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE if path.is_relative_to(SOURCE) else ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@dataclass
class Module:
    """One file: its definitions by name, the statements outside of them, and what its imports stand for."""

    name: str
    path: Path
    definitions: dict[str, Definition] = field(default_factory=dict)
    body: list[ast.stmt] = field(default_factory=list)
    imports: dict[str, Node] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, name: str = "") -> "Module":
        module = cls(name or module_name(path), path)
        for statement in parsed(path).body:
            if isinstance(statement, Definition):
                module.definitions[statement.name] = statement
            else:
                module.body.append(statement)
        for node in ast.walk(parsed(path)):
            module.imports |= dict(imported(node))
        return module

    def uses(self, name: str) -> Iterator[Node]:
        """What a definition, or the statements outside of them, name: in this file, or imported into it."""
        statements = self.body if name == BODY else [self.definitions[name]]
        for node in (node for statement in statements for node in ast.walk(statement)):
            yield from (target for _, target in imported(node))
            if isinstance(node, ast.Name):
                yield self.imports.get(node.id, (self.name, node.id))
            if isinstance(node, ast.Attribute):
                yield from self.attribute(node)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("codewren."):
                yield (node.value, BODY)

    def attribute(self, node: ast.Attribute) -> Iterator[Node]:
        if isinstance(node.value, ast.Name) and node.value.id in self.imports:
            module, name = self.imports[node.value.id]
            yield (module if name == BODY else f"{module}.{name}", node.attr)


def imported(node: ast.AST) -> Iterator[tuple[str, Node]]:
    """Names that an import statement binds, and what they stand for."""
    if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
        for alias in node.names:
            yield alias.asname or alias.name, (node.module, alias.name)
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.asname or alias.name, (alias.name, BODY)


def source_modules() -> dict[str, Module]:
    modules = map(Module.read, python_files("src"))
    return {module.name: module for module in modules}


def reached(modules: dict[str, Module], roots: Iterator[Node]) -> set[Node]:
    """Every definition, and every module body, that the roots lead to."""
    seen: set[Node] = set()
    queue = list(roots)
    while queue:
        module, name = queue.pop()
        if module.endswith("."):  # import_module(f"codewren.formats.{name}"): any of them, and whatever is in it
            for imported_module in (m for m in modules.values() if m.name.startswith(module)):
                dynamic = ((imported_module.name, definition) for definition in (BODY, *imported_module.definitions))
                queue.extend(node for node in dynamic if node not in seen)
            continue
        if name == "*" or f"{module}.{name}" in modules:
            module, name = f"{module}.{name}", BODY
        if (module, name) in seen or module not in modules:
            continue
        seen.add((module, name))
        queue.append((module, BODY))
        if name == BODY or name in modules[module].definitions:
            queue.extend(modules[module].uses(name))
    return seen


def lines_of(definition: Definition) -> int:
    first = min([definition.lineno, *(decorator.lineno for decorator in definition.decorator_list)])
    return (definition.end_lineno or definition.lineno) - first + 1
