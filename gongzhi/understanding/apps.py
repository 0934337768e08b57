from django.apps import AppConfig


class UnderstandingConfig(AppConfig):
    name = "gongzhi.understanding"
    label = "understanding"

    def ready(self) -> None:
        from gongzhi.registry import authority
        from gongzhi.understanding.training import WHO

        for action, relations in WHO.items():
            authority.declare(action, relations)
