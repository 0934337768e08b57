"""Improvement: how work really runs, from the record of what happened.

`event_log` reads a log, `process_map` computes the graph and its times, `drawing`, `exchange_formats`
and `report` show it and hand it on. Pure functions over arrays: no database, no page, no rule about cases.
"""
