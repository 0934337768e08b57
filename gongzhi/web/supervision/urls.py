"""Addresses of supervision; everything under ``/supervision/``."""

from django.urls import path

from gongzhi.web.supervision import account, calls, exclusions, inspections, overview, samples, urgings

urlpatterns = [
    path("", overview.page, name="supervision"),
    path("urgings/", urgings.index, name="supervision_urgings"),
    path("calls/", calls.index, name="supervision_calls"),
    path("samples/", samples.index, name="supervision_samples"),
    path("exclusions/", exclusions.index, name="supervision_exclusions"),
    path("inspections/", inspections.index, name="supervision_inspections"),
    path("inspections/plans/<int:pk>/", inspections.plan, name="supervision_plan"),
    path("inspections/<int:pk>/", inspections.record, name="supervision_inspection"),
    path("inspections/<int:pk>/<str:sha256>/<str:size>", inspections.evidence, name="inspection_evidence"),
    path("cases/<str:number>/", account.page, name="supervision_case"),
]
