"""Every question that is asked of the lake, as an expression that DuckDB and Spark answer alike.

Each function takes the unbound tables and gives an ordered table. Figures that a page or a command shows are
made from these and nothing else, so that there is one definition of each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import ibis
from ibis import _

from gongzhi.lake.engine import Engine, Result, unbound

Query = Callable[[ibis.Table, ibis.Table], ibis.Table]

ENDED: Final = ("resolved", "rated", "closed")
NOT_WORKED: Final = ("duplicate", "withdrawn")


def acts_by_month(acts: ibis.Table, cases: ibis.Table) -> ibis.Table:
    """What was done, how often, month by month."""
    return (
        acts.group_by(month=acts.day.truncate("M"), verb=acts.verb)
        .agg(acts=_.count())
        .order_by("month", "verb")
    )


def received_by_day(acts: ibis.Table, cases: ibis.Table) -> ibis.Table:
    """Matters received per day, function and district."""
    return (
        cases.group_by("day", "function", "district")
        .agg(matters=_.count())
        .order_by("day", "function", "district")
    )


def busy_hours(acts: ibis.Table, cases: ibis.Table) -> ibis.Table:
    """Acts by day of the week (Monday 0) and hour."""
    return (
        acts.group_by(weekday=acts.day.day_of_week.index().cast("int64"), hour=acts.hour.cast("int64"))
        .agg(acts=_.count())
        .order_by("weekday", "hour")
    )


def organisations_load(acts: ibis.Table, cases: ibis.Table) -> ibis.Table:
    """Per organisation: received, ended, ended in time, open, median hours to the end."""
    worked = cases.filter(~cases.closure.isin(NOT_WORKED))
    is_ended = worked.state.isin(ENDED)
    end = ibis.coalesce(worked.resolved_at, worked.closed_at)
    seconds = end.epoch_seconds() - worked.opened_at.epoch_seconds()
    return (
        worked.group_by("organisation")
        .agg(
            received=_.count(),
            ended=is_ended.cast("int64").sum(),
            in_time=(is_ended & (end <= worked.due_at)).cast("int64").sum(),
            open=(~is_ended).cast("int64").sum(),
            median_hours=(ibis.ifelse(is_ended, seconds, None) / 3600.0).median().round(4),
        )
        .order_by("organisation")
    )


def handovers(acts: ibis.Table, cases: ibis.Table) -> ibis.Table:
    """How often work on one case passed from one organisation to another."""
    worked = acts.filter((acts.subject_kind == "case") & (acts.organisation != ""))
    in_case = ibis.window(group_by=worked.subject, order_by=worked.seq)
    return (
        worked.mutate(origin=worked.organisation.lag().over(in_case))
        .filter(_.origin != _.organisation)
        .group_by("origin", "organisation")
        .agg(times=_.count(), cases=_.subject.nunique())
        .order_by("origin", "organisation")
    )


def steps(acts: ibis.Table, cases: ibis.Table) -> ibis.Table:
    """Which act follows which on a case, how often, and the mean hours between them."""
    of_cases = acts.filter(acts.subject_kind == "case")
    in_case = ibis.window(group_by=of_cases.subject, order_by=of_cases.seq)
    paired = of_cases.mutate(
        before=of_cases.verb.lag().over(in_case),
        waited=of_cases.at.epoch_seconds() - of_cases.at.lag().over(in_case).epoch_seconds(),
    )
    return (
        paired.filter(paired.before.notnull())
        .group_by("before", "verb")
        .agg(times=_.count(), mean_hours=(_.waited.mean() / 3600.0).round(4))
        .order_by("before", "verb")
    )


def circulation(acts: ibis.Table, cases: ibis.Table) -> ibis.Table:
    """Cases by how often they were refused or sent on, per function."""
    moved = (cases.returns + cases.transfers).cast("int64")
    return (
        cases.group_by("function")
        .agg(
            matters=_.count(),
            moved=(moved > 0).cast("int64").sum(),
            often=(moved > 2).cast("int64").sum(),
            moves=moved.sum(),
        )
        .order_by("function")
    )


def by_channel_and_language(acts: ibis.Table, cases: ibis.Table) -> ibis.Table:
    """Matters by channel, language and hour of the day."""
    return (
        cases.group_by("channel", "language", hour=cases.hour.cast("int64"))
        .agg(matters=_.count())
        .order_by("channel", "language", "hour")
    )


QUERIES: Final[dict[str, Query]] = {
    "acts_by_month": acts_by_month,
    "received_by_day": received_by_day,
    "busy_hours": busy_hours,
    "organisations_load": organisations_load,
    "handovers": handovers,
    "steps": steps,
    "circulation": circulation,
    "by_channel_and_language": by_channel_and_language,
}


def ask(engine: Engine, name: str) -> Result:
    """Answer a question by its name.

    Raises:
        ValueError: there is no such question.
    """
    query = QUERIES.get(name)
    if query is None:
        raise ValueError(f"there is no question {name!r}; there are {', '.join(QUERIES)}")
    return engine.run(query(unbound("acts"), unbound("cases")))
