"""Builds the documentation site: every page of `docs`, and the page that judges code in the browser.

    python scripts/build_site.py --out build/site          needs `pip install "codewren[docs]"`
    python scripts/build_site.py --page build/page.html    that page alone, one file without anything else

The page is one file: core, bundles and program are inside it, so it works from a disk and without a network.
"""

import argparse
import base64
import gzip
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "packages/codewren-js"
BUNDLES = {"judge": "vulnerability-c-micro", "clones": "clones-micro"}
# What the page's script is made of, in the order in which one needs the other.
SCRIPTS = [PACKAGE / "src/core.js", PACKAGE / "src/lines.js", PACKAGE / "src/codewren.js", PACKAGE / "src/braces.js"]
MOST_PAGE_BYTES = 1_500_000


def page(examples: Mapping[str, str] | None = None) -> str:
    """The HTML of the page that judges code; `examples` are the texts that its three fields begin with."""
    site = ROOT / "docs/site"
    parts = [plain_script(path.read_text(encoding="utf-8")) for path in SCRIPTS]
    shown = example_texts() if examples is None else dict(examples)
    parts += [f"const ASSETS = {json.dumps(assets())};", f"const EXAMPLES = {script_json(shown)};"]
    script = "\n".join([*parts, (site / "page.js").read_text(encoding="utf-8")])
    html = (site / "page.html").read_text(encoding="utf-8")
    html = html.replace("/* page.css */", (site / "page.css").read_text(encoding="utf-8"))
    return html.replace("/* page.js */", script)


def plain_script(module: str) -> str:
    """A module without its imports and exports, to stand in one script with the others."""
    module = re.sub(r"^(import|export) [^;]*? from [^;]*;\n", "", module, flags=re.MULTILINE)
    module = re.sub(r"^export \{[^}]*\};\n", "", module, flags=re.MULTILINE)
    return re.sub(r"^export ", "", module, flags=re.MULTILINE)


def assets() -> dict[str, str]:
    """The core with SIMD and without, packed, and the bundles, which no packing makes smaller, as base64."""
    modules = {"simd": "codewren-simd", "plain": "codewren"}
    cores = {
        name: gzip.compress((PACKAGE / f"wasm/{module}.wasm").read_bytes(), compresslevel=9, mtime=0)
        for name, module in modules.items()
    }
    shipped = ROOT / "src/codewren/bundle/shipped"
    files = {name: (shipped / f"{bundle}.wren").read_bytes() for name, bundle in BUNDLES.items()}
    return {name: base64.b64encode(content).decode() for name, content in {**cores, **files}.items()}


def example_texts() -> dict[str, str]:
    """What the page begins with."""
    examples = ROOT / "examples"
    request = (examples / "request.c").read_text(encoding="utf-8")
    totals = (examples / "Totals.java").read_text(encoding="utf-8")
    return {"source": request, "left": totals, "right": renamed(totals)}


def renamed(text: str) -> str:
    """The same program under other names."""
    names = {"Totals": "Sums", "total": "sum", "values": "numbers", "value": "number", "count": "size"}
    return re.sub(r"\w+", lambda word: names.get(word[0], word[0]), text)


def script_json(value: object) -> str:
    """JSON that may stand in a script element."""
    return json.dumps(value).replace("<", "\\u003c")


def build_documents(out: Path) -> None:
    """Run mkdocs on the documents, strictly: a link that leads nowhere ends it."""
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    with tempfile.TemporaryDirectory() as folder:
        documents = Path(folder) / "docs"
        shutil.copytree(ROOT / "docs", documents, ignore=shutil.ignore_patterns("site"))
        shutil.copy(ROOT / "README.md", documents / "index.md")
        shutil.copy(ROOT / "CHANGELOG.md", documents / "changelog.md")
        (documents / "README.md").unlink()
        for path in documents.rglob("*.md"):
            path.write_text(spaced_blocks(own_links(path, documents)), encoding="utf-8")
        (documents / "try").mkdir()
        (documents / "try/index.html").write_text(page(), encoding="utf-8")
        config = load_config(
            str(ROOT / "docs/site/mkdocs.yml"), docs_dir=str(documents), site_dir=str(out), strict=True
        )
        build(config)


def own_links(path: Path, documents: Path) -> str:
    """A document whose links to files outside the site became plain text, and to `docs/` became relative."""
    text = path.read_text(encoding="utf-8")
    if path.parent == documents and path.name in {"index.md", "changelog.md"}:
        text = re.sub(r"\]\(docs/", "](", text)

    def link(match: re.Match[str]) -> str:
        target = match[2].partition("#")[0]
        inside = not target or "://" in target or (path.parent / target).exists()
        return match[0] if inside else f"{match[1]}"

    return re.sub(r"(?<!!)\[([^\]\n]*)\]\(([^)\s]+)\)", link, text)


def spaced_blocks(text: str) -> str:
    """A blank line before lists and tables, which mkdocs wants and GitHub does not."""
    lines: list[str] = []
    fenced = False
    for line in text.splitlines():
        before = lines[-1] if lines else ""
        fenced ^= line.lstrip().startswith("```")
        begins = re.match(r"([-*]|\d+\.) ", line) and not re.match(r"([-*]|\d+\.) | ", before)
        begins = begins or (line.startswith("|") and not before.startswith("|"))
        if begins and before and not fenced:
            lines.append("")
        lines.append(line)
    return "\n".join([*lines, ""])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="folder of the whole site")
    parser.add_argument("--page", type=Path, help="file of the page alone")
    arguments = parser.parse_args()
    if not arguments.out and not arguments.page:
        parser.error("give --out FOLDER or --page FILE")
    html = page()
    if len(html.encode()) > MOST_PAGE_BYTES:
        sys.exit(f"the page has {len(html.encode())} bytes, at most {MOST_PAGE_BYTES} are allowed")
    if arguments.out:
        build_documents(arguments.out.resolve())
        print(f"{arguments.out}: open index.html, or serve the folder")
    if not arguments.page:
        return 0
    arguments.page.parent.mkdir(parents=True, exist_ok=True)
    arguments.page.write_text(html, encoding="utf-8")
    print(f"{arguments.page}: {len(html.encode())} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
