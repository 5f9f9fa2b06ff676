from __future__ import annotations

import pytest

from capelin.runtime.gotemplate import TemplateError, parse
from tests.runtime.gotemplate.corpus import DATA, recorded

EXAMPLES = recorded()


@pytest.mark.parametrize("example", [each for each in EXAMPLES if "output" in each], ids=lambda each: each["template"][:80])
def test_what_go_renders_is_rendered_alike(example: dict[str, str]) -> None:
    got = parse(example["template"]).render(DATA)

    assert got == example["output"]


@pytest.mark.parametrize("example", [each for each in EXAMPLES if "error" in each], ids=lambda each: each["template"][:80])
def test_what_go_refuses_is_refused(example: dict[str, str]) -> None:
    with pytest.raises(TemplateError):
        parse(example["template"]).render(DATA)


def test_the_record_has_both_kinds_in_number() -> None:
    outputs = [example for example in EXAMPLES if "output" in example]

    assert len(outputs) > 700
    assert len(EXAMPLES) - len(outputs) > 70
