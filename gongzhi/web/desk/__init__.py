"""The desks (工作台): a page for each kind of work that staff do with matters.

`worklist` and `case` for case workers, `intake_desk` for the hotline and the counter, `dispatch` for
what no rule could decide, `oversight` for supervisors and leaders. `verbs` lists what can be done on
a case page; other rooms add theirs there. No page decides anything: views ask queries and actions.
"""
