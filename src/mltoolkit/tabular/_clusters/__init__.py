"""How k-means and Gaussian mixtures compute: what `mltoolkit.tabular.clusters` calls."""
