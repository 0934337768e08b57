"""Residents' pages, no account needed: report, follow, see the city, verify.

One file a group of pages; each view parses, calls actions and queries, renders. Every main path
works without a script; scripts in `frontend/` only add to the pages.
"""
