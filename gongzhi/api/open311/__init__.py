"""Open311 GeoReport v2 with the updates extension, in XML and JSON from the same facts.

`documents` builds the answers as plain values, `formats` writes them as JSON or XML, `asking`
reads parameters, `views` are the addresses. Cases come in through `intake` like everything else.
"""
