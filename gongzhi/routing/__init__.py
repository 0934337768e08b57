"""From what was understood to the organisation responsible, with the reason in words (派单).

Reads mandates; the most specific area, then function, then lead before assist decides. Overlaps
and gaps are recorded as findings. Never writes to a case: it returns a `Route`.
"""
