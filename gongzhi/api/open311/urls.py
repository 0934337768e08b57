"""Addresses below /open311: `v2` is the city, `test/v2` checks everything and keeps nothing."""

from django.urls import URLPattern, re_path

from gongzhi.api.open311 import views

_FORM = r"(?:\.(?P<extension>json|xml))?$"


def _endpoint(prefix: str, send: views.Answer, send_update: views.Answer) -> list[URLPattern]:
    return [
        re_path(rf"^{prefix}/discovery{_FORM}", views.view_of(get=views.discover)),
        re_path(rf"^{prefix}/services{_FORM}", views.view_of(get=views.services)),
        re_path(rf"^{prefix}/services/(?P<code>[^/]+?){_FORM}", views.view_of(get=views.service)),
        re_path(rf"^{prefix}/requests{_FORM}", views.view_of(get=views.requests, post=send)),
        re_path(rf"^{prefix}/requests/(?P<number>[^/]+?){_FORM}", views.view_of(get=views.one)),
        re_path(rf"^{prefix}/tokens/(?P<number>[^/]+?){_FORM}", views.view_of(get=views.token)),
        re_path(
            rf"^{prefix}/servicerequestupdates{_FORM}",
            views.view_of(get=views.updates, post=send_update),
        ),
    ]


urlpatterns = [
    re_path(rf"^discovery{_FORM}", views.view_of(get=views.discover)),
    *_endpoint("v2", views.send, views.send_update),
    *_endpoint("test/v2", views.send_for_trial, views.send_update_for_trial),
]
