"""Week 1: principal components from first principles."""
