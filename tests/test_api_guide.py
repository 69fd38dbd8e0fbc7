"""docs/api.md prints what it says."""

import doctest
import re
from pathlib import Path

import pytest

import codewren

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs/api.md").read_text(encoding="utf-8")


def test_what_the_guide_shows_is_what_comes_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    code = "\n".join(re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL))
    test = doctest.DocTestParser().get_doctest(code, {}, "docs/api.md", "docs/api.md", 0)
    runner = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    assert len(test.examples) > 15
    runner.run(test)
    assert runner.failures == 0


def test_every_public_name_is_listed_importable_and_in_the_guide():
    assert set(dir(codewren)) == {*codewren.__all__, *codewren.HEAVY}
    for name in dir(codewren):
        assert getattr(codewren, name) is not None
        assert name in GUIDE or name == "__version__"
    with pytest.raises(AttributeError, match="no attribute 'scam'"):
        codewren.scam  # noqa: B018
