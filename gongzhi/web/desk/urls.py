"""Addresses of the desks; everything under ``/desk/``."""

from __future__ import annotations

from django.urls import include, path

from gongzhi.web.desk import (
    case,
    counter_desk,
    crews,
    dispatch,
    entering,
    evidence,
    hall_desk,
    intake_desk,
    joint,
    known,
    needs,
    oversight,
    sensing,
    where,
    wordings,
    worklist,
)

urlpatterns = [
    path("", worklist.home, name="desk"),
    path("post", entering.choose_post, name="desk_post"),
    path("worklist/", worklist.page, name="worklist"),
    path("worklist/act", worklist.act_on_many, name="worklist_act"),
    path("worklist/filters", worklist.filters, name="worklist_filters"),
    path("cases/", worklist.find, name="desk_find"),
    path("cases/<str:number>/", joint.within_agreement(case.page), name="desk_case"),
    path("cases/<str:number>/known", joint.within_agreement(known.fragment), name="desk_known"),
    path("intake/", intake_desk.page, name="intake"),
    path("intake/caller", intake_desk.caller, name="intake_caller"),
    path("intake/understood", intake_desk.understood, name="intake_understood"),
    path("intake/join", intake_desk.join, name="intake_join"),
    path("intake/<str:number>/", intake_desk.slip, name="intake_slip"),
    path("counter/", counter_desk.page, name="counter"),
    path("counter/line", counter_desk.line, name="counter_line"),
    path("halls/", hall_desk.index, name="desk_halls"),
    path("halls/<slug:code>/", hall_desk.one, name="desk_hall"),
    path("dispatch/", dispatch.page, name="dispatch"),
    path("dispatch/decide", dispatch.decide, name="dispatch_decide"),
    path("dispatch/merge", dispatch.merge, name="dispatch_merge"),
    path("crews/", crews.page, name="desk_crews"),
    path("oversight/", oversight.page, name="oversight"),
    path("oversight/<str:code>/", oversight.organisation, name="oversight_organisation"),
    path("wordings/", wordings.page, name="wordings"),
    path("sensing/", sensing.page, name="desk_sensing"),
    path("sensing/needs/", needs.page, name="desk_needs"),
    path("sensing/where/", where.page, name="desk_where"),
    path("sensing/where/<str:level>.geojson", where.outlines, name="desk_where_outlines"),
    path("evidence/", evidence.page, name="evidence"),
    path("improvement/", include("gongzhi.web.desk.improvement.urls")),
    path("grid/", include("gongzhi.web.desk.grid_urls")),
    path("", include("gongzhi.web.desk.joint_urls")),
]
