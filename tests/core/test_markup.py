"""No text gets out of its element, whatever it holds."""

import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codewren.core.markup import Markup, element, joined, visible


@given(st.text(), st.text())
def test_any_text_and_attribute_comes_back_from_xml_as_it_was_made_visible(text, value):
    parsed = ET.fromstring(element("p", {"title": value}, text))
    kept = str.maketrans("\r", "\n")  # XML reads line ends as newlines
    assert (parsed.text or "") == visible(text).replace("\r\n", "\n").translate(kept)
    assert len(parsed) == 0
    spaces = str.maketrans("\n\r\t", "   ")
    assert parsed.get("title") == visible(value).replace("\r\n", "\n").translate(spaces)


@given(st.text())
def test_any_text_is_text_to_an_html_parser(text):
    tags = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag, attributes):
            tags.append((tag, attributes))

    parser = Tags()
    parser.feed(element("td", None, text))
    parser.close()
    assert tags == [("td", [])]


@pytest.mark.parametrize(
    "text", ["</p><script>alert(1)</script>", "<!--", "]]>", "&lt;", '" onload="x', "<svg/onload=x>"]
)
def test_markup_in_a_text_stays_text(text):
    parsed = ET.fromstring(element("p", {"title": text}, text))
    assert parsed.text == text
    assert dict(parsed.attrib) == {"title": text}


def test_control_characters_half_surrogates_and_turned_text_are_shown_as_replaced():
    assert visible("a\x00\x1b\ud800\u202eb\tc\n") == "a\ufffd\ufffd\ufffd\ufffdb\tc\n"


def test_children_may_be_nested_absent_or_numbers():
    inner = element("b", None, 3)
    assert element("p", None, None, [inner, ["x", 0.5]], Markup("<i></i>")) == "<p><b>3</b>x0.5<i></i></p>"
    assert joined([]) == ""
