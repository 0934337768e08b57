"""/api/v1: bring matters in and read the public ones, as JSON, described by OpenAPI 3.1.

`shapes` are the documents that travel, `site` joins the addresses and makes HTTP behave, `cases` and
`city` answer, `sending` reads what is sent, `described` writes the OpenAPI document, `reference` shows it as a page.
"""
