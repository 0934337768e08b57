"""How operators and analysts reach gongzhi from a terminal. No business rule lives here."""
