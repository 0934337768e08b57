"""The verbs of a case, the only code that changes one; see `cases.lifecycle` for who and when."""

from gongzhi.cases.actions.desk import drop_filter, drop_wording, keep_filter, keep_wording
from gongzhi.cases.actions.entrusting import entrust
from gongzhi.cases.actions.erasing import erase
from gongzhi.cases.actions.files import release, withhold
from gongzhi.cases.actions.handling import (
    RETURN_REASONS,
    accept,
    arbitrate,
    assign,
    classify,
    decline,
    may_see_private,
    note,
    reply,
    resolve,
    return_,
    transfer,
)
from gongzhi.cases.actions.joining import merge, reopen, split, unmerge
from gongzhi.cases.actions.lapsing import lapse
from gongzhi.cases.actions.parts import accept_part, ask_part, cancel_part, finish_part, return_part
from gongzhi.cases.actions.passing import mirror, pass_on
from gongzhi.cases.actions.requesting import Contact, Joined, contest, join, redact, say, withdraw
from gongzhi.cases.actions.succession import parts_go_to, posts_work_goes_to
from gongzhi.cases.actions.timing import ask, ask_time, grant_time, refuse_time, resume, set_due

__all__ = [
    "RETURN_REASONS",
    "Contact",
    "Joined",
    "accept",
    "accept_part",
    "arbitrate",
    "ask",
    "ask_part",
    "ask_time",
    "assign",
    "cancel_part",
    "classify",
    "contest",
    "decline",
    "drop_filter",
    "drop_wording",
    "entrust",
    "erase",
    "finish_part",
    "grant_time",
    "join",
    "keep_filter",
    "keep_wording",
    "lapse",
    "may_see_private",
    "merge",
    "mirror",
    "note",
    "parts_go_to",
    "pass_on",
    "posts_work_goes_to",
    "redact",
    "refuse_time",
    "release",
    "reopen",
    "reply",
    "resolve",
    "resume",
    "return_",
    "return_part",
    "say",
    "set_due",
    "split",
    "transfer",
    "unmerge",
    "withdraw",
    "withhold",
]
