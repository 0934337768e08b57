"""How programs reach gongzhi: /api/v1, Open311 and the published ledger. No business rule lives here."""
