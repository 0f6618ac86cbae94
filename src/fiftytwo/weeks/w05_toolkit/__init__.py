"""Week 5: a toolkit that others can trust."""
