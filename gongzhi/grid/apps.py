from django.apps import AppConfig


class GridConfig(AppConfig):
    name = "gongzhi.grid"
    label = "grid"

    def ready(self) -> None:
        from gongzhi.grid.permissions import WHO
        from gongzhi.registry import authority

        for action, relations in WHO.items():
            authority.declare(action, relations)
