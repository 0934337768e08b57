"""All addresses: pages, programs, accounts."""

from django.urls import include, path

from gongzhi.api.open311.views import error as open311_error
from gongzhi.web.failures import RENDERERS

urlpatterns = [
    path("", include("gongzhi.api.urls")),
    path("", include("gongzhi.web.urls")),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
]
RENDERERS["/open311/"] = open311_error
handler400 = "gongzhi.web.failures.bad_request"
handler403 = "gongzhi.web.failures.forbidden"
handler404 = "gongzhi.web.failures.not_found"
handler500 = "gongzhi.web.failures.server_error"
