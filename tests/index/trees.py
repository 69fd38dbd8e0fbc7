"""Small trees of source files for tests of the index, and an encoder that knows their words."""

from pathlib import Path

PYTHON = '''
def total_price(items, rate):
    """Sum with tax."""
    total = 0
    for item in items:
        if item.price > 0:
            total += item.price * item.count
        else:
            report(item.name, item.price)
    return total * (1 + rate)
'''
RENAMED = PYTHON.replace("total_price", "whole_cost").replace("items", "rows").replace("total", "cost")
JAVA = """
class Prices {
  double totalPrice(List<Item> items, double rate) {
    double total = 0;
    for (Item item : items) {
      if (item.price > 0) { total += item.price * item.count; }
      else { report(item.name, item.price); }
    }
    return total * (1 + rate);
  }
}
"""
OTHER = '''
def read_lines(path, encoding):
    """Lines of a file."""
    with open(path, encoding=encoding) as stream:
        lines = [line.rstrip("\\n") for line in stream]
    return [line for line in lines if line and not line.startswith("#")]
'''
SMALL = "\ndef one():\n    return 1\n"


def write_tree(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def price_tree(folder: Path) -> Path:
    return write_tree(folder, {"a.py": PYTHON + SMALL, "lib/b.py": OTHER, "src/Prices.java": JAVA})
