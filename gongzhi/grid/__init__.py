"""Grid governance (网格治理): what a cell of the city holds, who walks it, and what the checks find.

A cell's register holds people, places, things, events and organisations (人、地、物、事、组织), each with
a day on which it is to be looked at. `actions` keep the register and record checks; a check that
finds something wrong brings a case in through `intake`. `rounds` says what is to be done today and
in which order it is walked. Never writes a table of `cases`.
"""
