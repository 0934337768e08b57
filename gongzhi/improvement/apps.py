from django.apps import AppConfig


class ImprovementConfig(AppConfig):
    name = "gongzhi.improvement"

    def ready(self) -> None:
        from gongzhi.cases.prepared import question
        from gongzhi.improvement import asked
        from gongzhi.registry import authority
        from gongzhi.registry.authority import Relation

        authority.declare("improvement.see", (Relation.STAFF,))
        for name, maker in asked.MAKERS.items():
            question(name, maker)
