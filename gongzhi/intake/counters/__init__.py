"""The hall (服务大厅): numbers to wait with, counters that call them, the time it will take.

A `Ticket` is a place in line and nothing more: it knows no person. What is said at the counter
becomes a case through the same window as everywhere (`gongzhi.intake.actions.receive`).
`lifecycle` has the states, `order` the rule of who is next, `waiting` the expected time.
"""
