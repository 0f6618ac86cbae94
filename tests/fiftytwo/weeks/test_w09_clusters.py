"""Week 9's checks bite: the reference passes, the starter fails, every known mistake is caught and named."""

import numpy as np
import pandas as pd
import pytest

from fiftytwo import documents, judge, plan
from fiftytwo.lab import Lab
from fiftytwo.learner.stub import derive
from fiftytwo.learner.workbench import Bench
from fiftytwo.solution import Solution
from fiftytwo.weeks.w09_clusters import choosing, customers, profiles
from fiftytwo.weeks.w09_clusters.cases import blobs, cases_of, kmeans_oracle, mixture_oracle
from fiftytwo.weeks.w09_clusters.mistakes import mistakes
from mltoolkit.tabular.cluster_validation import Stability

WEEK = plan.load(9)
NAMES = WEEK.week.exercise.names
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def lab_with(folder, replaced=None, profile="quick"):
    return Lab(WEEK.week, folder, Solution(WEEK.week, replaced=replaced), profile=profile)


def judged(lab, *, exercise_only=True):
    built = judge.BuiltOnDemand(lambda: WEEK.build(lab))
    return {j.verdict.name: j for j in judge.assess(WEEK, lab, built, exercise_only=exercise_only)}


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    lab = lab_with(tmp_path_factory.mktemp("run"))
    return judged(lab, exercise_only=False), lab


def test_the_reference_passes_every_check(reference):
    found, lab = reference
    assert {name: j.verdict.message for name, j in found.items() if j.verdict.outcome != "passed"} == {}
    assert len(found) >= 55
    kinds = ("Criteria", "Stability", "Profiles", "Customers")
    assert {figure.name for figure in lab.ledger.figures} == {f"{kind}, simulated shop" for kind in kinds}
    assert {table.name for table in lab.ledger.tables} == {
        f"{kind}, simulated shop" for kind in ("Segments", "Criteria", "Stability")
    }
    for one in found.values():
        assert one.verdict.why.endswith(".")
        assert one.verdict.hint


def test_the_document_is_rendered_from_the_evidence(reference):
    found, lab = reference
    text = rendered(found, lab)
    assert documents.typed_numbers(WEEK.path / "segments.md.jinja") == []
    assert text.count("*How sure:*") == text.count("*Do:*") == 5
    assert "not proof" in text
    assert "nan" not in text.lower()


def rendered(found, lab):
    template, _, facts = lab.pending_documents[0]
    return documents.render(
        WEEK.path / template,
        metrics=lab.ledger.metrics,
        tables=lab.ledger.tables,
        verdicts=[j.verdict for j in found.values()],
        data=lab.ledger.data,
        facts=facts,
    )


@pytest.mark.slow
def test_the_full_run_passes_too(tmp_path, shared_data):
    lab = lab_with(tmp_path, profile="full")
    found = judged(lab, exercise_only=False)
    assert {name: j.verdict.message for name, j in found.items() if j.verdict.outcome != "passed"} == {}
    assert {used.name for used in lab.ledger.data} == {"online-retail", "wholesale-customers", "iris", "wine"}
    assert "UCI wholesale" in rendered(found, lab)


def test_the_starter_fails_every_check(tmp_path):
    scope = {}
    exec(compile(derive(Bench(WEEK.week, None).reference(), NAMES, 9), "clusters.py", "exec"), scope)
    found = judged(lab_with(tmp_path, {name: scope[name] for name in NAMES}))
    assert {name: j.verdict.message for name, j in found.items() if j.verdict.outcome != "not attempted"} == {}


@pytest.mark.parametrize("mistake", mistakes, ids=lambda mistake: mistake.name)
def test_each_mistake_is_caught_and_named(assert_caught_and_named, tmp_path, mistake):
    assert_caught_and_named(WEEK, mistake, lambda solution: lab_with(tmp_path, solution), build=False)


def test_the_simulated_shop_has_its_five_segments():
    shop = customers.simulate(np.random.default_rng(0), 20_000)
    shares = pd.Series(shop.truth).value_counts(normalize=True)
    assert shares["regulars"] == pytest.approx(0.25, abs=0.02)
    assert shop.raw[shop.truth == "lapsed"]["recency"].median() == pytest.approx(260.0, rel=0.1)
    assert shop.spend.to_numpy().min() >= 0.0
    np.testing.assert_allclose(shop.spend.sum(axis=1), shop.raw["frequency"] * shop.raw["basket"])
    np.testing.assert_allclose(shop.X.std(axis=0), 1.0)


def test_rfm_of_a_few_orders_is_what_one_counts_by_hand():
    orders = pd.DataFrame({
        "InvoiceNo": ["1", "1", "2", "3", "C4", "5"],
        "Description": [" mug", "tea ", "mug", "mug", "mug", "tea"],
        "Quantity": [2, 1, 1, 3, -1, 1],
        "InvoiceDate": pd.to_datetime([f"2011-01-{day:02}" for day in (1, 1, 11, 5, 6, 11)]),
        "UnitPrice": [5.0, 1.0, 5.0, 5.0, 5.0, 1.0],
        "CustomerID": pd.array([7, 7, 7, 8, 8, None], dtype="Int32"),
        "Country": ["United Kingdom", "United Kingdom", "United Kingdom", "France", "France", "France"],
    })  # fmt: skip
    found = customers.shop(orders)
    assert found.raw.loc[7].tolist() == [1.0, 2.0, 16.0]
    assert found.raw.loc[8].tolist() == [7.0, 1.0, 15.0]
    assert found.spend.loc[7].to_dict() == {"mug": 15.0, "tea": 1.0}
    assert found.truth.tolist() == [True, False]


def stability_of(*overlaps):
    return Stability(np.zeros(1, dtype=int), np.ones(1), np.ones(1), np.array([overlaps]))


def test_the_finest_stable_number_is_taken_and_else_the_most_stable():
    found = {2: stability_of(0.99, 0.9), 3: stability_of(0.8, 0.8, 0.9), 4: stability_of(0.9, 0.9, 0.9, 0.5)}
    assert choosing.finest_stable(found) == 3
    assert choosing.finest_stable({2: stability_of(0.5, 0.9), 5: stability_of(*[0.6] * 5)}) == 5


def test_words_and_actions_follow_from_the_numbers():
    raw = pd.DataFrame({"recency": [5.0] * 10 + [300.0] * 10 + [60.0] * 10, "frequency": [30.0] * 10 + [2.0] * 20,
                        "money": [900.0] * 10 + [800.0] * 10 + [50.0] * 10})  # fmt: skip
    spend = pd.DataFrame({"tea": raw["money"] * 0.5, "mugs": np.where(raw["frequency"] > 9, 900.0, 1.0)})
    shop = customers.Customers("shop", raw, {}, raw.to_numpy(), spend, np.zeros(30), "nothing")
    labels = np.repeat([2, 0, 1], 10)
    best, lost, small = profiles.profile(shop, labels, stability_of(0.5, 0.7, 0.9))
    assert (best.who, best.sure, best.code) == ("bought lately, order often, spend much", "very sure", 2)
    assert best.action.startswith("Keep them")
    assert best.buys[0].startswith("mugs")
    assert "silent for long" in lost.who
    assert lost.sure == "not sure: do not act on it"
    assert small.sure == "a tendency, not a group"
    assert best.size + lost.size + small.size == 30
    assert best.revenue_share + lost.revenue_share + small.revenue_share == pytest.approx(1.0)


def test_a_table_of_spending_is_described_by_its_categories():
    raw = pd.DataFrame({"milk": np.repeat([9.0, 1.0, 5.0], 10), "frozen": np.repeat([1.0, 9.0, 5.0], 10)})
    shop = customers.Customers("trade", raw, {}, raw.to_numpy(), raw, np.zeros(30), "nothing")
    found = profiles.profile(shop, np.repeat([0, 1, 2], 10), stability_of(0.9, 0.9, 0.9))
    assert {segment.who for segment in found} == {
        "much milk, little frozen", "much frozen, little milk", "average in everything",
    }  # fmt: skip


def test_the_oracles_are_optima():
    for case in cases_of(np.random.default_rng(3)).values():
        model = kmeans_oracle(case, weighted=True)
        for k, center in enumerate(model.cluster_centers_):
            mine = model.labels_ == k
            mean = np.average((case.X - case.shift)[mine], axis=0, weights=case.weights[mine])
            np.testing.assert_allclose(center, mean, atol=1e-7)
    plain = cases_of(np.random.default_rng(3))["two groups"]
    assert mixture_oracle(plain, "full").converged_
    assert blobs(np.random.default_rng(0), 7, 5).shape == (35, 2)


@pytest.mark.parametrize("kind", choosing.KINDS)
def test_the_least_variance_of_each_shape(kind):
    covariances = {"full": np.array([np.diag([4.0, 1.0]), np.diag([9.0, 0.25])]), "tied": np.diag([3.0, 0.25]),
                   "diag": np.array([[1.0, 0.25]]), "spherical": np.array([2.0, 0.25])}[kind]  # fmt: skip
    assert choosing.least_variance(covariances, kind) == pytest.approx(0.25)
