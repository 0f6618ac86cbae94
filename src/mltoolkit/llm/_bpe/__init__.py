"""What byte-pair encoding needs beyond the page that is to be read: compiled twins and their tables."""
