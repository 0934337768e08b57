"""Addresses of the desk's pages of working together; under ``/desk/`` as those of `urls`."""

from django.urls import path

from gongzhi.web.desk import (
    directives,
    elsewhere,
    incidents,
    joint,
    notices,
    parts,
    reorganising,
    settlements,
    task_forces,
    whistles,
)

urlpatterns = [
    path("together/", joint.hub, name="desk_together"),
    path("notices/", notices.page, name="desk_notices"),
    path("parts/<int:pk>/", parts.one, name="desk_part"),
    path("directives/", directives.index, name="desk_directives"),
    path("directives/<int:pk>/", directives.one, name="desk_directive"),
    path("reorganise/", reorganising.index, name="desk_reorganise"),
    path("settlements/", settlements.index, name="desk_settlements"),
    path("settlements/<str:code>/<str:month>/", settlements.statement, name="desk_statement"),
    path("incidents/", incidents.index, name="desk_incidents"),
    path("incidents/<int:pk>/", incidents.one, name="desk_incident"),
    path("task-forces/", task_forces.index, name="desk_task_forces"),
    path("task-forces/<int:pk>/", task_forces.one, name="desk_task_force"),
    path("whistles/", whistles.index, name="desk_whistles"),
    path("whistles/<int:pk>/", whistles.one, name="desk_whistle"),
    path("elsewhere/<str:number>/", elsewhere.one, name="desk_elsewhere"),
]
