"""Week 3 scratch."""
from fiftytwo.weeks.w03_bootstrap.intervals import intervals
