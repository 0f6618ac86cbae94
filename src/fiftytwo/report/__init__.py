"""Evidence as pages: numbers as people read them, a static site, and its short form in Markdown."""
