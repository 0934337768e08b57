"""One window (一窗受理): every channel's submission becomes a case here and gets a receipt.

`receive` for one, `receive_many` for histories: understood, compared with open matters, routed,
written and committed before anything is acknowledged. Never knows HTTP or files.
"""
