"""Sensing: what people need and what is coming, from the stream of matters.

`features` turns texts into weighted vectors, `hot_issues` finds groups of matters about the same thing,
`forecasts` and `anomalies` look at counts over time, `tariffs` computes what a price would mean.
Pure functions over arrays and files: no database, no page, no rule about cases.
"""
