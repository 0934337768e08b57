from django.apps import AppConfig


class SensingConfig(AppConfig):
    name = "gongzhi.sensing"

    def ready(self) -> None:
        from gongzhi.registry import authority
        from gongzhi.registry.authority import Relation

        authority.declare("sensing.see", (Relation.STAFF,))
