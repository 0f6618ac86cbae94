"""What holds for every week that has landed, whatever it is about."""

import pytest

from fiftytwo import plan


@pytest.mark.parametrize("number", plan.landed())
def test_mistakes_are_many_and_explained(number):
    week = plan.load(number)
    names = [mistake.name for mistake in week.mistakes]
    assert len(set(names)) == len(names) >= 10
    texts = week.week.exercise.texts
    assert {name for mistake in week.mistakes for name in mistake.solution} <= {*week.week.exercise.names, *texts}
    assert all(mistake.diagnosis.endswith(".") for mistake in week.mistakes)
