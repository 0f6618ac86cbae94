"""placeholder."""
mistakes = ()
