"""A living demo: matters as people would bring them, taken in and worked on as in a real city.

`matters.generate` invents a year of matters from the grammar in a city pack; `loading.load_demo`
passes them through the real window and lets the pack's staff act on them. Nothing else in the
product may use this room, and nothing here writes to a table: intake and cases do.
"""
