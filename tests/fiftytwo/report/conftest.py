"""A week of the report's own, with evidence as runs leave it: the reference passed, the learner has not."""

import sys
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from fiftytwo.evidence import DataUsed, Document, Figure, Machine, Metric, Run, Table, Verdict
from fiftytwo.home import Home
from fiftytwo.report.site import write_report
from fiftytwo.store import Store

LAB = '''
from fiftytwo import Exercise, Week

week = Week.planned(1, exercise=Exercise(
    "mltoolkit.linalg.pca", ("PCA",),
    brief="""Write `PCA` so that it agrees with the algebra of $X^\\\\top X$.

1. Centre the data, then take the singular values of `X - mean`.
2. Give every component a sign that does not depend on the machine.
3. Refuse what has no answer: NaN, one sample, more components than the rank allows.

Stop there. Whitening and inverse transforms are not asked for.
"""))


def build(lab):
    return None


def assess(lab, built):
    yield from ()
'''

STUDY = r"""# The directions that matter

A data set of many columns often varies along few directions. Principal component analysis finds them,
in order, and says how much each one holds. This is a note, <script>alert("raw")</script> not a page.

## The idea

Centre the $n \times d$ matrix $X$ and look for the unit vector $w$ along which the projections spread most:

$$
w_1 = \arg\max_{\lVert w \rVert = 1} \; \frac{1}{n - 1} \sum_{i=1}^{n} (x_i^\top w)^2,
\qquad X = U \Sigma V^\top, \quad \lambda_j = \frac{\sigma_j^2}{n - 1}
$$

The answer is the leading right singular vector. Every later one is the same search in what is left.

#### A small example

Three points, $(0, 0)$, $(1, 1)$ and $(2, 2)$, lie on a line, so one component holds everything.

| component | $\lambda$ | share |
| --- | ---: | ---: |
| 1 | 2 | 100% |
| 2 | 0 | 0% |

## The traps

- Dividing by `n` instead of `n - 1` shrinks every variance a little.
- The sign of a component is free; fix it, or tests fail on another machine.

```python
U, s, Vt = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)
```

See [Jolliffe and Cadima](https://doi.org/10.1098/rsta.2015.0202) for a review.
"""

SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 300">
<path d="M60 20V260H620" fill="none" stroke="#333"/>
<path d="M60 60L130 150 200 190 270 212 340 226 410 236 620 249" fill="none" stroke="#00558c" stroke-width="3"/>
<text x="300" y="292" font-family="sans-serif" font-size="16">component</text></svg>"""

MACHINE = Machine("Linux x86_64", "AMD EPYC 7763", 2, 8 * 2**30, "cpu", "openblas 0.3.30 Haswell, 2 threads")
WHY = "The components are what the definition asks for, on tall, wide and rank-deficient data."


def reference_run():
    """A run that passed."""
    return Run(
        id="20270104T091500.123456-w01-reference-quick",
        week=1,
        who="reference",
        profile="quick",
        status="passed",
        started="2027-01-04T09:15:00.123456+00:00",
        seconds=7.2345678,
        seed=52,
        verdicts=(
            Verdict("components are orthonormal", "passed", 4.440892098500626e-16, "≤ 1e-10", why=WHY),
            Verdict("variance explained", "passed", 1.2345678901e-13, "≤ 1e-08", why="Shares equal the library's."),
            Verdict("a stream gives the same", "passed", 1.0, "yes", why="Batches change nothing.", boolean=True),
            Verdict("rank for 30 dB", "passed", 30.123456789, "≥ 30", unit="dB", why="Half the pixels are enough."),
            Verdict("on a GPU", "could not run here", None, "≤ 1e-05", why="The device changes nothing."),
        ),
        metrics=(Metric("variance in two components", 0.28509364823), Metric("quality", 30.123456789, "dB")),
        figures=(
            Figure("scree plot", "scree.svg", "Share of the variance by component, with the broken-stick line."),
            Figure("lost plot", "lost.svg", "A picture that was dropped with an old run."),
        ),
        tables=(
            Table(
                "twelve-questions",
                "Twelve questions about the digits, answered by computation",
                ("question", "answer", "share", "fine", "longest run of equal values in any single column", "rows"),
                (
                    ("Are there missing values?", "no", 0.0, True, None, 1797),
                    ("Do columns hold only one value?", "3 of 64", 0.046875, False, 1797, 12345),
                    ("<b>Duplicates?</b>", "none", 1.23456789e-7, True, 2, 1797),
                ),
            ),
        ),
        documents=(
            Document(
                "eda",
                "What the digits are, and what they are not",
                "# Summary\n\nTwo components hold 0.285 of the variance $\\lambda_1 + \\lambda_2$.\n\n"
                "## Findings\n\n| check | result |\n| --- | ---: |\n| gap | 4.4e-16 |\n",
            ),
        ),
        notes=("Three pixels are constant, so scaling them divides by zero.",),
        peak_memory_bytes=429_916_160,
        data=(DataUsed("digits", "Handwritten digits", "embedded", "ab" * 32, "CC BY 4.0"),),
        versions={"python": "3.13.1", "fiftytwo": "0.1.0", "numpy": "2.4.0", "scikit-learn": "1.9.0"},
        source_hash="0123456789abcdef" * 4,
        parts={"PCA": "reference"},
        machine=MACHINE,
    )


def learner_run():
    """A run that divides by n and does not do streams yet."""
    return Run(
        id="20270104T101500.123456-w01-learner-quick",
        week=1,
        who="learner",
        profile="quick",
        status="failed",
        started="2027-01-04T10:15:00.123456+00:00",
        seconds=3.1,
        seed=52,
        verdicts=(
            Verdict("components are orthonormal", "passed", 6.66e-16, "≤ 1e-10", why=WHY, reference=4.44e-16),
            Verdict(
                "variance explained",
                "wrong",
                0.0005568123,
                "≤ 1e-08",
                why="Shares equal the library's.",
                message="The largest difference is 0.000557 at [0], more than 1e-08 <script>alert(1)</script>",
                call="PCA(2).fit(X).explained_variance_",
                got="array of shape (2,): [178.907, 163.626]",
                expected="array of shape (2,): [179.007, 163.718]",
                where="[0]",
                diagnosis="You divide by n; the sample variance divides by n − 1.",
                counterexample="counterexample/replay.py",
                reference=1.2e-13,
            ),
            Verdict(
                "a stream gives the same",
                "not attempted",
                None,
                "yes",
                why="Batches change nothing.",
                message="PCA.partial_fit raises NotImplementedError",
                frame="pca.py, line 41: raise NotImplementedError",
                boolean=True,
            ),
        ),
        parts={"PCA": "learner"},
        machine=MACHINE,
    )


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """Catalogue of one landed week that exists for these tests alone."""
    folder = tmp_path_factory.mktemp("weeks")
    package = folder / "w01_report_demo"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "lab.py").write_text(LAB, "utf-8")
    (package / "study.md").write_text(STUDY, "utf-8")
    sys.path.insert(0, str(folder))
    yield {1: "w01_report_demo.lab"}
    sys.path.remove(str(folder))


@pytest.fixture
def home(tmp_path):
    """An empty home."""
    return Home(tmp_path / "my52")


@pytest.fixture
def save(home, tmp_path):
    """Save a run with its picture."""

    def save(run):
        folder = tmp_path / "run"
        folder.mkdir()
        if run.figures:
            (folder / "scree.svg").write_text(SVG, "utf-8")
        Store(home).save(run, folder)

    return save


@pytest.fixture
def site(home, save, demo):
    """The folder of a report on both runs."""
    save(reference_run())
    save(learner_run())
    return write_report(home, catalogue=demo, markdown=True, now=datetime(2027, 1, 5, 8, tzinfo=UTC)).parent


@pytest.fixture(scope="session")
def runs():
    """What makes the two runs, for tests that change them."""
    return SimpleNamespace(reference=reference_run, learner=learner_run)
