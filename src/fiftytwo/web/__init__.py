"""The dashboard: the year as a map, the week at hand, evidence; on this machine and for its user alone."""
