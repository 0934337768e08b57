from django.apps import AppConfig


class LakeConfig(AppConfig):
    name = "gongzhi.lake"
