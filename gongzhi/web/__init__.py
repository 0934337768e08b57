"""How people reach gongzhi: `portal` for residents, `desk` for staff. No business rule lives here."""
