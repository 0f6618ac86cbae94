"""Week 4: information theory, and rules for a messy table."""
