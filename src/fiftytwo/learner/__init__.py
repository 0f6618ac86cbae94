"""The learner's loop: start a week, check it, get a hint, compare, go on."""
