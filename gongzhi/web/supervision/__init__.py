"""Staff pages of supervision: lights, urgings, call-backs, calls to make, and who held a case."""
