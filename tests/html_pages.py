"""Reading a report as a browser and as a program would."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

VOID = {"meta", "br", "hr", "col"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


class Seen(HTMLParser):
    """Tags, attributes and text, as an HTML parser sees them; unclosed tags are an error."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.text, self._open = [], [], [], []
        self.feed(page)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attributes]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attributes]

    def handle_endtag(self, tag):
        assert self._open.pop() == tag, tag

    def handle_data(self, data):
        self.text.append(data)


def check(page):
    """What must hold for every report; returns the tree."""
    seen = Seen(page)
    tree = ET.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
    assert {"script", "iframe", "object", "embed", "link", "img", "form", "base"}.isdisjoint(seen.tags)
    for tag, name, value in seen.attributes:
        assert not name.startswith("on"), (tag, name)
        assert name not in {"src", "srcset", "style", "action", "xlink:href"}, (tag, name, value)
        assert name != "href" or value.startswith("#"), value
    style = next(tree.iter("style")).text
    assert "url(" not in style
    assert "@import" not in style
    ids = [value for _, name, value in seen.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {value[1:] for _, name, value in seen.attributes if name == "href"} <= set(ids)
    for table in tree.iter("table"):
        assert table.find("caption").text
        assert all(cell.get("scope") == "col" and "".join(cell.itertext()) for cell in table.find("thead").iter("th"))
        width = len(list(table.find("thead").iter("th")))
        for row in (row for body in table.findall("tbody") for row in body):
            assert row[0].tag == "th"
            assert sum(int(cell.get("colspan", 1)) for cell in row) == width
    for svg in tree.iter("svg"):
        named = {one.get("id") for one in svg if one.tag in ("title", "desc")}
        assert set(svg.get("aria-labelledby").split()) == named
        assert all(one.text for one in svg if one.tag in ("title", "desc"))
        assert not re.search(r"nan|inf", " ".join(v for one in svg.iter() for v in one.attrib.values()))
    return tree


def text_of(tree):
    """Everything a reader sees, without the style sheet."""
    for parent in tree.iter():
        for child in list(parent):
            if child.tag == "style":
                parent.remove(child)
    return " ".join(" ".join(tree.itertext()).split())


def data_of(tree):
    """Every figure as a program reads it."""
    return [float(one.get("value")) for one in tree.iter("data")]


def browser():
    """Path of a Chromium, None where there is none."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def in_browser(page, folder, *options):
    """Open a page in headless Chromium with no network; what it prints and what it complains of."""
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    command = [browser(), "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"]
    command += ["--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder / 'profile'}", *options]
    ended = subprocess.run([*command, path.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    return ended.stdout, [line for line in ended.stderr.splitlines() if "CONSOLE" in line]
