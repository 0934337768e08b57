"""How likely a case will be late: learned from what happened, told with reasons in words.

`history` is what is learned from, `model` learns and answers, `files` reads tables, `evaluation`
measures on them, `serving` does the same for the city's own cases. Only what is known at intake is
asked: never the status, the outcome or anything that was written later.
"""
