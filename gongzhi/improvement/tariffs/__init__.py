"""Tariffs: what would households and businesses pay (水价方案测算), exactly, for every bill.

`owrs` and `schedules` are the two kinds of tariff, `exact` is their arithmetic, `usage` reads meter
readings, `simulation` bills and compares, `report` shows it. No database, no page of the desk, no
rounding but the one that is stated.
"""
