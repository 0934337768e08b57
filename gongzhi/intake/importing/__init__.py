"""Bringing a real history in: files to rows, rows to matters by a map, matters through the window.

`tables` and `documents` read files of any kind safely; `maps` and `guessing` say which column
means what; `translating` turns a row into a submission with its history; `learning` describes the
city that a file shows; `running` does it all in chunks that can be interrupted and repeated.
"""
