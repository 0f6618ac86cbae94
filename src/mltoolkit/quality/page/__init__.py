"""A profile, a report or a comparison as a page for the browser: one file that needs nothing else."""
