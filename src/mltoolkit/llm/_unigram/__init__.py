"""What unigram models need beyond the page that is to be read: compiled twins and their tables."""
