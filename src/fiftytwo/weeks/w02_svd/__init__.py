"""Week 2: images in a few singular values, and what they cost."""
