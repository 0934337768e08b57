"""Django's PostgreSQL backend with one promise more: it never hangs on a server that is gone.

A server that stops answering is noticed within a second, a connection that died while idle is
replaced before it is used. Nothing else differs from `django.db.backends.postgresql`.
"""
