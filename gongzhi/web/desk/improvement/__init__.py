"""Improvement on the desk: how cases run, mandates, allocation, simulation, tariffs.

Each page is a thin view: it reads what was asked for, shows what a job has prepared and says as of when, and
opens every claim down to the cases behind it. What a page means is decided in `gongzhi.improvement`.
"""
