"""Documents quote evidence by name, and an unknown name is an error."""

import html
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fiftytwo import plan
from fiftytwo.documents import UnknownEvidence, markdown_table, markdown_text, render, typed_numbers
from fiftytwo.evidence import DataUsed, Metric, Table, Verdict
from fiftytwo.report.markdown import to_html

METRICS = [Metric("largest gap", 1.2345e-15), Metric("quality at rank", 31.416, "dB")]
TABLES = [Table("scree", "Variance by component", ("component", "share"), ((1, 0.51234), (2, None)))]
VERDICTS = [
    Verdict("components", "passed", 1.2e-15, "≤ 1e-10"),
    Verdict("refuses NaN", "wrong", 0.0, "yes", boolean=True),
    Verdict("rank", "crashed", None, "= 3"),
]
DATA = [DataUsed("digits", "Handwritten digits", "embedded", "00" * 32, "CC BY")]


@pytest.fixture
def write(tmp_path):
    def write(text, **facts):
        template = tmp_path / "eda.md.jinja"
        template.write_text(text, "utf-8")
        return render(template, metrics=METRICS, tables=TABLES, verdicts=VERDICTS, data=DATA, facts=facts)

    return write


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ('{{ metric("largest gap") }}', "1.23e-15"),
        ('{{ metric("quality at rank") }}', "31.4 dB"),
        ('{{ metric("quality at rank").value * 2 }}', "62.8"),
        ('{{ metric("quality at rank").unit }}', "dB"),
        ('{{ check("components") }}', "1.2e-15 (bound ≤ 1e-10, passed)"),
        ('{{ check("refuses NaN") }}', "no (expected yes, wrong)"),
        ('{{ check("rank") }}', "– (bound = 3, crashed)"),
        ('{{ check("components").outcome }}', "passed"),
        ('{{ check("components").measured }}', "1.2e-15"),
        ('{{ data("digits") }}, {{ data("digits").licence }}', "Handwritten digits, CC BY"),
        ('{{ table("scree").caption }}', "Variance by component"),
        ("{{ share }}, {{ count }}, {{ fine }}, {{ none }}", "0.123, 12,345, yes, –"),
        ("{% if metric('quality at rank').value > 30 %}\ngood\n{% endif %}\n", "good\n"),
        ("<b> & {{ name }}", "<b> & <i>"),
    ],
)
def test_prints(write, text, printed):
    assert write(text, share=np.float64(0.12345), count=np.int64(12345), fine=True, none=None, name="<i>") == printed


def test_table(write):
    assert write('{{ table("scree") }}\n') == "| component | share |\n| ---: | ---: |\n| 1 | 0.512 |\n| 2 | – |\n"


def test_table_keeps_bars_and_lines_in_their_cells():
    table = Table("t", "", ("a|b",), (("x\ny | z\\",),))
    assert markdown_table(table).splitlines() == ["| a\\|b |", "| --- |", "| x y \\| z\\\\ |"]


@pytest.mark.parametrize(
    "text", ["__init__", "mean_", "[x](http://a.b)", "$5 and $6", "~~a~~", "&amp; & b", "![a](b)", "a__b__c", "<br>"]
)
def test_markdown_shows_a_text_as_it_is(text):
    assert to_html(f"x {markdown_text(text)}") == f"<p>x {html.escape(text)}</p>\n"


@given(st.text(alphabet="ab1_*`[]()<>&;#$|~\\\n !", max_size=30))
def test_markdown_shows_any_text_as_it_is(text):
    shown = html.escape(" ".join(f"x {text}".split()))
    assert to_html(f"x {markdown_text(text)}").replace("&#x27;", "'") == f"<p>{shown}</p>\n"
    row = to_html(markdown_table(Table("t", "", ("a", "b"), ((f"x {text}", "z"),))))
    assert f"<td>{shown}</td>\n<td>z</td>" in row


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('fine\n\n{{ metric("larges gap") }}', "eda.md.jinja, line 3: there is no metric 'larges gap' in this run; "
         "did you mean 'largest gap'?"),
        ('{{ table("zzz") }}', "eda.md.jinja, line 1: there is no table 'zzz' in this run; known: 'scree'"),
        ('{{ check("component") }}', "did you mean 'components'?"),
        ('{{ data("moon") }}', "there is no data 'moon' in this run; known: 'digits'"),
        ("a\n{{ shar }}", "eda.md.jinja, line 2: there is no fact 'shar' in this run; did you mean 'share'?"),
        ("{% if nothing %}{% endif %}", "there is no fact 'nothing'"),
        ("{{ metric('largest gap').colour }}", "eda.md.jinja, line 1: 'largest gap' has no field "
         "'colour'; known: 'name', 'unit', 'value'"),
        ("{{ metric('largest gap').valu }}", "did you mean 'value'?"),
        ("{{ share.colour }}", "eda.md.jinja, line 1: 'float object' has no attribute 'colour'"),
    ],
)  # fmt: skip
def test_a_name_without_evidence_is_an_error(write, text, message):
    with pytest.raises(UnknownEvidence) as caught:
        write(text, share=0.5)
    assert message in str(caught.value)
    assert isinstance(caught.value, LookupError)


def test_an_included_template_is_named(write, tmp_path):
    (tmp_path / "part.jinja").write_text('\n{{ metric("x") }}', "utf-8")
    with pytest.raises(UnknownEvidence, match=r"^part\.jinja, line 2: there is no metric 'x'"):
        write('{% include "part.jinja" %}')


def test_nothing_recorded(tmp_path):
    template = tmp_path / "a.jinja"
    template.write_text('{{ metric("x") }}', "utf-8")
    with pytest.raises(UnknownEvidence, match="none is recorded"):
        render(template, metrics=[], tables=[], verdicts=[], data=[], facts={})


@given(st.floats(), st.text(max_size=20))
def test_no_raw_float_is_printed(tmp_path_factory, value, name):
    template = tmp_path_factory.getbasetemp() / "float.jinja"
    template.write_text("{{ metric(name) }}", "utf-8")
    text = render(template, metrics=[Metric(name, value)], tables=[], verdicts=[], data=[], facts={"name": name})
    assert len(text) < 25
    assert text
    if math.isfinite(value) and value != int(value):
        assert len(text.lstrip("-0.").split("e")[0].replace(",", "")) <= 15


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The gap is 1.2e-15 here.", ["1.2e-15 (line 1)"]),
        ("a\n\nAbout 95% of 12,345, in 2027.", ["95% (line 3)", "12,345 (line 3)", "2027 (line 3)"]),
        ("# 1. Method\n\n## 2.1 Steps\n\n1. first\n2) second\n", []),
        ("# Method 3\n", ["3 (line 1)"]),
        ("`x[0]`, $n - 1$, float64, w01, [link](a1/2.md), https://a.b/3\n```\n4\n```\n", []),
        ('{{ metric("a 1") * 100 }} and {# 12 #} {% if x > 3 %}\n4{% endif %}', ["4 (line 2)"]),
        ("{% if x %}\n\n{% endif %}\n5 rows", ["5 (line 4)"]),
        ("| 7 | x |", ["7 (line 1)"]),
        ("rank {{ k }}2 and −3", ["−3 (line 1)"]),
    ],
)
def test_typed_numbers(tmp_path, text, found):
    template = tmp_path / "a.jinja"
    template.write_text(text, "utf-8")
    assert typed_numbers(template) == found


def test_no_landed_week_types_a_number():
    templates = [path for number in plan.landed() for path in plan.load(number).path.glob("*.jinja")]
    assert {path.name: typed_numbers(path) for path in templates if typed_numbers(path)} == {}
