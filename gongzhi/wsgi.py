"""The WSGI application that the web server runs."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gongzhi.settings")
os.environ.setdefault("GONGZHI_PART", "web")
application = get_wsgi_application()


def _warm() -> None:
    """Read what every request needs before the first one comes; without a database, later."""
    import structlog
    from django.urls import get_resolver

    from gongzhi.registry import snapshot
    from gongzhi.understanding import reading

    try:
        get_resolver().url_patterns  # noqa: B018 – imports all views
        reading.read("路灯不亮 street light", snapshot.current())
    except Exception as problem:  # noqa: BLE001 – the process serves what it can without
        structlog.get_logger("gongzhi.web").warning("warming.skipped", exc_info=problem)


_warm()
# What is loaded by now stays for good: the garbage collector need not walk through it again and again.
gc.collect()
gc.freeze()
