"""Week 9."""
