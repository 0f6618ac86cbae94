"""Week 6: ridge, lasso and the price of a house."""
