"""What a text says (研判): function with confidence and words, urgency, places, likely duplicates.

Trained from the city's own words and closed cases; explains itself in words. Never decides who
is responsible: that is routing.
"""
