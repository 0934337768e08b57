"""Mandates (职能整合、权责统一): overlaps, gaps, and what cases say about the table of who does what.

`past` is a year of cases as columns, `findings` what is wrong with evidence and a proposal, `changes`
a changed table, `replay` the same cases under it. Reads registry and cases, changes neither.
"""
