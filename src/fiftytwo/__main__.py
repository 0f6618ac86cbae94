"""``python -m fiftytwo`` is the command ``fiftytwo``."""

from fiftytwo.cli import main

main()
