"""What the tests of every week ask alike."""

import pytest

from fiftytwo import judge


@pytest.fixture
def assert_caught_and_named():
    """A function of week, mistake and lab maker: the first check that the mistake fails has to name it.

    With ``build=False`` the checks of the build are judged elsewhere; with ``may_crash=True`` a check before the first
    wrong one may crash.
    """

    def assert_it(week, mistake, make_lab, *, build=True, may_crash=False):
        lab = make_lab(mistake.solution)
        unbuilt = judge.Unbuilt(RuntimeError("the build is judged elsewhere"))
        built = judge.BuiltOnDemand(lambda: week.build(lab)) if build else unbuilt
        for judged in judge.assess(week, lab, built, exercise_only=True):  # no further than the first wrong one
            assert may_crash or judged.verdict.outcome != "crashed", judged.verdict
            if judged.verdict.outcome == "wrong" and judged.measurement:
                break
        else:
            pytest.fail(f"no check catches {mistake.name!r}")
        named = judge.diagnose(week, {judged.verdict.name: judged.measurement}, make_lab)
        assert named[judged.verdict.name].partition(":")[0] == mistake.name

    return assert_it
