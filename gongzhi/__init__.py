"""gongzhi (共治): every public matter of a city, from any window to the organisation responsible."""

__version__ = "0.1.0"
