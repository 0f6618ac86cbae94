"""The parts behind ``mltoolkit.tabular.embeddings``."""
