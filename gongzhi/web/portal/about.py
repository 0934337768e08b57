"""Short pages of fixed text, and the small files that browsers and search engines ask for."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from gongzhi.errors import Unavailable
from gongzhi.registry import snapshot

_LISTED = ("home", "report", "cases", "map", "board", "halls", "verify", "about", "privacy", "accessibility")


@require_safe
def page(request: HttpRequest, name: str) -> HttpResponse:
    """About, privacy, accessibility."""
    return render(request, f"portal/{name}.html")


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """W3C web app manifest, so that the pages can be put on a phone's start screen."""
    try:
        name = snapshot.current().city.name
    except Unavailable:
        name = "gongzhi"
    icon = {"src": static("icon.svg"), "sizes": "any", "type": "image/svg+xml"}
    return JsonResponse(
        {
            "name": _("%(name)s · One window") % {"name": name},
            "short_name": name,
            "start_url": "/",
            "display": "standalone",
            "background_color": "#f3f6f6",
            "theme_color": "#0b5563",
            "icons": [icon],
        },
        content_type="application/manifest+json",
    )


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """RFC 9309: personal and staff pages are not to be visited."""
    lines = [
        "User-agent: *",
        "Disallow: /follow/",
        "Disallow: /tickets/",
        "Disallow: /desk/",
        "Disallow: /accounts/",
    ]
    lines.append(f"Sitemap: {request.build_absolute_uri(reverse('sitemap'))}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    """The pages that do not change their address (sitemaps.org 0.9)."""
    places = (request.build_absolute_uri(reverse(name)) for name in _LISTED)
    entries = "".join(f"<url><loc>{place}</loc></url>" for place in places)
    body = f'<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'
    return HttpResponse(body, content_type="application/xml")
