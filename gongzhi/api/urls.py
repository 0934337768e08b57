"""Addresses for programs."""

from django.urls import include, path, re_path

from gongzhi.api import federation, ledger
from gongzhi.api.http import answered
from gongzhi.api.v1 import described, reference, site

urlpatterns = [
    path("api/v1/", answered(reference.index)),
    path("api/v1/openapi.json", answered(described.openapi)),
    path("api/v1/docs", answered(reference.page), name="api_docs"),
    path("api/v1/", include(site.addresses())),
    path("open311/", include("gongzhi.api.open311.urls")),
    path("api/federation/v1/key", federation.key),
    path("api/federation/v1/matters", federation.matters),
    path("api/federation/v1/matters/<uuid:passage_id>/messages", federation.messages),
    path("ledger/vkey", answered(ledger.vkey)),
    path("ledger/checkpoint", answered(ledger.checkpoint)),
    path("ledger/proof", answered(ledger.proof)),
    path("ledger/consistency", answered(ledger.consistency)),
    re_path(r"^ledger/tile/(?P<name>.+)$", answered(ledger.tile)),
]
