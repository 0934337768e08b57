from django.apps import AppConfig


class CoordinationConfig(AppConfig):
    name = "gongzhi.coordination"
    label = "coordination"

    def ready(self) -> None:
        from gongzhi.cases import watching
        from gongzhi.coordination.clocks import WATCHED_ORDERS
        from gongzhi.coordination.permissions import WHO
        from gongzhi.registry import authority

        for action, relations in WHO.items():
            authority.declare(action, relations)
        watching.register(WATCHED_ORDERS)
