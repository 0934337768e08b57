from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "gongzhi.web"
    label = "web"

    def ready(self) -> None:
        from gongzhi.web import sessions  # noqa: F401 – notes when somebody signs in
