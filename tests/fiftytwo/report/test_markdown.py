"""Markdown becomes safe HTML with formulas as MathML."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fiftytwo import plan
from fiftytwo.report.markdown import formula, to_html


def test_formulas_are_mathml():
    assert to_html("so $x_1$ is").startswith('<p>so <math xmlns="http://www.w3.org/1998/Math/MathML" display="inline">')
    block = to_html("$$\nx^2\n$$\n")
    assert block.startswith('<div class="formula"><math')
    assert 'display="block"' in block


def test_a_displayed_formula_inside_a_paragraph_stays_valid():
    assert '<span class="formula"><math' in to_html("see $$x$$ here")


def test_prices_are_not_formulas():
    assert to_html("from 5$ to 6$, or $ 7 and $ 8") == "<p>from 5$ to 6$, or $ 7 and $ 8</p>\n"


def test_limits_of_max_stand_below_it():
    assert "<munder><mo>max</mo>" in formula(r"\max_{w} w", display=True)
    assert "<msub><mo>max</mo>" in formula(r"\max_{w} w")
    assert re.search(r"<munder><mo [^>]*>arg&#x2009;max</mo>", formula(r"\arg\max_w w", display=True))
    assert "<msub><mi>x</mi>" in formula("x_1", display=True)


def test_a_minus_after_a_bracket_is_a_sign():
    assert formula("(-1, -x) - 2").count('<mo form="prefix">−</mo>') == 2
    assert formula("-1 = a - 2").count('form="prefix"') == 1


def test_a_full_stop_stays_with_its_formula():
    text = re.sub(r"<math.*?</math>", "M", to_html("$a$. Then $b$ x $c$, $d$\n"))
    assert text == '<p><span class="nowrap">M.</span> Then M x <span class="nowrap">M,</span> M</p>\n'


@pytest.mark.parametrize(
    "latex", [r"\nonsense x", "{", r"\left(", r"<b>\nonsense", r"\text{<script>x</script>}", r"\text{a & b}"]
)
def test_a_formula_that_cannot_be_read_is_shown_as_written(latex):
    shown = formula(latex)
    assert shown.startswith("<code>")
    assert "<b>" not in shown


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("# a\n\n## b\n\n### c", "345"),
        ("# a\n\n#### b\n\n## c\n\n### d", "3445"),
        ("### a\n\n# b\n\n## c", "334"),
        ("## a\n\n## b", "33"),
        ("# a\n## b\n### c\n#### d\n##### e\n###### f", "345666"),
    ],
)
def test_headings_fit_without_a_gap(text, levels):
    assert "".join(re.findall(r"<h(\d)>", to_html(text))) == levels
    assert "".join(re.findall(r"</h(\d)>", to_html(text))) == levels


def test_tables_scroll_in_a_box_and_say_what_their_heads_are():
    table = to_html("| a | b |\n| --- | ---: |\n| 1 | 2 |")
    assert table.startswith('<div class="scroll" role="region" aria-label="Table" tabindex="0"><table>')
    assert table.count('scope="col"') == 2
    assert table.count('class="right"') == 2
    assert "style" not in table


def test_nothing_raw_and_nothing_loaded():
    text = to_html('<script>alert(1)</script> <img src=x onerror=y> ![a "b"](http://x/y.png) [c](javascript:d)')
    assert "<script" not in text
    assert "<img" not in text
    assert "<em>a &quot;b&quot;</em>" in text
    assert "href" not in text


@given(st.text(alphabet="ab<>&\"'$\\{}_^|#-*[]()!`\n 1", max_size=60))
def test_no_tag_that_the_renderer_did_not_write(text):
    tags = set(re.findall(r"</?([a-z0-9]+)", to_html(text)))
    known = "p em strong code pre h3 h4 h5 h6 ul ol li a hr br s blockquote div span table thead tbody tr th td"
    assert {tag for tag in tags if not tag.startswith("m")} <= set(known.split())


def test_every_formula_of_every_landed_week_is_understood():
    for number in plan.landed():
        week = plan.load(number)
        for text in (week.path.joinpath("study.md").read_text("utf-8"), week.week.exercise.brief):
            assert not re.findall(r"<code>[^<]*\\[A-Za-z][^<]*</code>", re.sub(r"`[^`]*`", "", to_html(text)))
