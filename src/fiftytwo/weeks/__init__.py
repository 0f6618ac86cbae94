"""The single weeks; only this package knows about them, and no week imports another."""
