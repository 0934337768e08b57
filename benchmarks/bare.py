"""The reference of bench_post: the product's own server and middleware, one view, one committed INSERT.

Its address lies below /api/, so that it takes the same short way past the middleware of pages.
"""

from __future__ import annotations

import gc
import os

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gongzhi.settings")


@csrf_exempt
def insert(request: HttpRequest) -> HttpResponse:
    import json

    from django.db import connection

    body = json.loads(request.body)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bare_report (text, lng, lat) VALUES (%s, %s, %s) RETURNING id",
            [body["text"], body["lng"], body["lat"]],
        )
        return JsonResponse({"id": cursor.fetchone()[0]}, status=201)


urlpatterns = [path("api/bare", insert)]


def application(environ, start_response):  # type: ignore[no-untyped-def]
    """A WSGI application that differs from the product's in nothing but its addresses."""
    global _application
    if _application is None:
        from django.core.wsgi import get_wsgi_application

        from gongzhi import settings

        settings.ROOT_URLCONF = "benchmarks.bare"  # type: ignore[misc]
        _application = get_wsgi_application()
        gc.collect()
        gc.freeze()
    return _application(environ, start_response)


_application = None
