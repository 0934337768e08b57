"""Seeing that what was promised is done (监督): clocks, urging, rating, figures, inspection.

It watches cases from above and never handles one: lateness risk, the urging ladder (督办), ratings and
call-backs (好差评、回访), the three rates, the check of replies before they leave, random draws for
inspection (双随机一公开), and who held a late case for how long.
"""
