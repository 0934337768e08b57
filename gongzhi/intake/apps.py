from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "gongzhi.intake"
    label = "intake"

    def ready(self) -> None:
        from gongzhi.intake.counters.permissions import WHO
        from gongzhi.registry import authority

        for action, relations in WHO.items():
            authority.declare(action, relations)
