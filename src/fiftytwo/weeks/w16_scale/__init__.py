"""Week 16: training that survives and scales."""
