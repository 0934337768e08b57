"""Who and where: areas, people, organisations, posts, functions and mandates, described by city packs.

Offers lookups (which area is this point in, who holds the mandate) and `authority`, the one place
that says whether an actor may do something. Never knows what a case is.
"""
