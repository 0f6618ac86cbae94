"""Week 6's well-known wrong answers, each a few lines over the reference."""

mistakes = ()
