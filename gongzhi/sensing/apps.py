from django.apps import AppConfig


class SensingConfig(AppConfig):
    name = "gongzhi.sensing"

    def ready(self) -> None:
        from gongzhi.cases.prepared import question
        from gongzhi.registry import authority
        from gongzhi.registry.authority import Relation
        from gongzhi.sensing import asked

        authority.declare("sensing.see", (Relation.STAFF,))
        for name, maker in asked.MAKERS.items():
            question(name, maker)
