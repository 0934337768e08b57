from django.apps import AppConfig


class SupervisionConfig(AppConfig):
    name = "gongzhi.supervision"
    label = "supervision"

    def ready(self) -> None:
        from gongzhi.cases import answering, notices
        from gongzhi.registry import authority
        from gongzhi.supervision import gate, inviting
        from gongzhi.supervision.authority import WHO

        for action, relations in WHO.items():
            authority.declare(action, relations)
        answering.register(gate.check)
        notices.register_rating_link(inviting.link_of)
