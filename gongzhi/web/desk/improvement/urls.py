"""Addresses of the improvement pages, under ``/desk/improvement/``."""

from __future__ import annotations

from django.urls import path

from gongzhi.web.desk.improvement import allocation, mandates, process, simulation, tariffs

urlpatterns = [
    path("", process.page, name="improvement"),
    path("mandates/", mandates.page, name="improvement_mandates"),
    path("allocation/", allocation.page, name="improvement_allocation"),
    path("simulation/", simulation.page, name="improvement_simulation"),
    path("tariffs/", tariffs.page, name="improvement_tariffs"),
]
