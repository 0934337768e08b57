"""One public matter being dealt with (办件): case, task, message, attachment and their lifecycle.

`actions` are the only code that changes a case, each one transaction with its act in the ledger;
`lifecycle` is the table of states and verbs; `deadlines` counts working days; `queries` answers
questions for the rooms above. Never reads texts (understanding) and never decides who is
responsible (routing).
"""
