"""Addresses of the pages."""

from django.urls import include, path

from gongzhi.web import attachments, health, metrics
from gongzhi.web.desk import circulation, incidents
from gongzhi.web.portal import (
    about,
    browsing,
    following,
    places,
    rates,
    reporting,
    sensing,
    verifying,
)
from gongzhi.web.supervision import exclusions, inspections, samples, urgings
from gongzhi.web.supervision import pages as supervising

urlpatterns = [
    path("", browsing.home, name="home"),
    path("about/", about.page, {"name": "about"}, name="about"),
    path("privacy/", about.page, {"name": "privacy"}, name="privacy"),
    path("accessibility/", about.page, {"name": "accessibility"}, name="accessibility"),
    path("manifest.webmanifest", about.manifest, name="manifest"),
    path("robots.txt", about.robots, name="robots"),
    path("sitemap.xml", about.sitemap, name="sitemap"),
    path("report/", reporting.report, name="report"),
    path("report/understood", reporting.understood, name="report_understood"),
    path("report/places", places.named, name="report_places"),
    path("cases/", browsing.case_list, name="cases"),
    path("cases.csv", browsing.table, name="cases_csv"),
    path("cases/<str:number>/", browsing.case_page, name="case"),
    path("cases/<str:number>/join", following.join, name="join"),
    path("map/", browsing.city_map, name="map"),
    path("map/city.geojson", places.outlines, name="map_outlines"),
    path("map/points.json", places.points, name="map_points"),
    path("map/here.json", places.here, name="map_here"),
    path("attachments/<int:pk>/<str:size>", attachments.attachment, name="attachment"),
    path("follow/", following.find, name="find"),
    path("follow/<str:number>/<str:secret>/", following.follow, name="follow"),
    path("follow/<str:number>/<str:secret>/receipt.json", following.receipt_file, name="receipt"),
    path("follow/<str:number>/<str:secret>/photos/<int:pk>/<str:size>", following.photo, name="photo"),
    path("follow/<str:number>/<str:secret>/appeal/", rates.appeal, name="appeal"),
    path("follow/<str:number>/<str:secret>/rate/", rates.rate_followed, name="rate_followed"),
    path("rate/<str:secret>/", rates.rate_by_link, name="rate"),
    path("rates/", rates.page, name="rates"),
    path("rates/cases/", rates.cases_of, name="rates_cases"),
    path("inspections/", rates.inspections, name="inspections"),
    path("inspections/<int:pk>.json", rates.inspection_file, name="inspection_file"),
    path("supervision/", supervising.overview, name="supervision"),
    path("supervision/inspections/", inspections.index, name="supervision_inspections"),
    path("supervision/inspections/plans/<int:pk>/", inspections.plan, name="supervision_plan"),
    path("supervision/inspections/<int:pk>/", inspections.record, name="supervision_inspection"),
    path("supervision/exclusions/", exclusions.index, name="supervision_exclusions"),
    path("supervision/samples/", samples.index, name="supervision_samples"),
    path("supervision/urgings/", urgings.index, name="supervision_urgings"),
    path("supervision/cases/<str:number>/", supervising.account, name="supervision_case"),
    path("board/", browsing.board, name="board"),
    path("hears/", sensing.page, name="hears"),
    path("circulation/", circulation.page, name="circulation"),
    path("incidents/<int:pk>/", incidents.public, name="incident"),
    path("verify/", verifying.verify, name="verify"),
    path("", include("gongzhi.web.halls.urls")),
    path("desk/", include("gongzhi.web.desk.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]
