"""Week 7."""
