"""Addresses of the grid worker's desk; everything under ``/desk/grid/``."""

from django.urls import path

from gongzhi.web.desk import grid, grid_register, grid_sending

urlpatterns = [
    path("", grid.page, name="grid"),
    path("shell", grid_sending.shell, name="grid_shell"),
    path("worker.js", grid_sending.service_worker, name="grid_worker"),
    path("send/me", grid_sending.me, name="grid_me"),
    path("send/report", grid_sending.report, name="grid_report"),
    path("send/check", grid_sending.check, name="grid_check"),
    path("entries/", grid_register.entries, name="grid_entries"),
    path("entries/<int:pk>/", grid_register.entry, name="grid_entry"),
    path("cells/", grid_register.cells, name="grid_cells"),
]
