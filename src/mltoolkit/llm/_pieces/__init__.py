"""How text is cut into pieces before a tokenizer learns or applies anything, and how bytes are written as letters."""
