"""Week 3: bootstrap intervals and A/B tests, judged by simulation."""
