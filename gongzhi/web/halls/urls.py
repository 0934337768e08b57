"""Addresses of the halls."""

from django.urls import path

from gongzhi.web.halls import display, kiosk, phone, screens

urlpatterns = [
    path("halls/", phone.index, name="halls"),
    path("halls/screens/<str:secret>/", screens.claim, name="screen_claim"),
    path("halls/<slug:code>/", phone.hall, name="hall"),
    path("halls/<slug:code>/kiosk/", kiosk.page, name="kiosk"),
    path("halls/<slug:code>/kiosk/<str:secret>/", kiosk.paper, name="kiosk_paper"),
    path("halls/<slug:code>/display/", display.page, name="display"),
    path("halls/<slug:code>/display/now", display.now, name="display_now"),
    path("tickets/<str:secret>/", phone.ticket, name="ticket"),
    path("tickets/<str:secret>/place", phone.place, name="ticket_place"),
]
