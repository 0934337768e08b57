from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "gongzhi.cases"
    label = "cases"

    def ready(self) -> None:
        from gongzhi.cases.lifecycle import WHO
        from gongzhi.registry import authority

        for action, relations in WHO.items():
            authority.declare(action, relations)
