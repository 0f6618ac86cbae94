"""Wrong answers to the sample week."""

import numpy as np

from fiftytwo import Mistake
from w01_sample.reference import Scaler


class DividesByN(Scaler):
    def fit(self, x):
        super().fit(x)
        self.scale_ = float(np.std(x))
        return self


class ForgetsMean(Scaler):
    def fit(self, x):
        super().fit(x)
        self.mean_ = 0.0
        return self


mistakes = (
    Mistake("forgets the mean", {"Scaler": ForgetsMean}, "Subtract the mean first."),
    Mistake("divides by n", {"Scaler": DividesByN}, "Divide by n - 1: the mean has used up one."),
)
