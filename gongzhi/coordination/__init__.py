"""Working together beyond one case: directives, partners, other cities, emergencies, whistles, task forces.

`actions` are the verbs, each one transaction with its act; `permissions` says who may; `settlement`,
`signatures`, `outgoing` and `forms` are plain rules; `clocks` finds what is due and `jobs` runs it.
Parts of a case and returns belong to the room `cases`; this room uses its verbs and never writes its tables.
"""
