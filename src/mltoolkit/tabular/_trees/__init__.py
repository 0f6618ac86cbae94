"""The parts of trees: bins, growth, boosting, Shapley values, leaks; ``mltoolkit.tabular.trees`` is their face."""
