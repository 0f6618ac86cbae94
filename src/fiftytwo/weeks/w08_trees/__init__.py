"""Week 8."""
