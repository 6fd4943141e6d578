"""The operators' desk in the browser: server-drawn pages, server-sent events, one small script of our own."""

from adapters.desk.ports import DESK_TOPIC, DeskSettings
from adapters.desk.routes import build

__all__ = ["DESK_TOPIC", "DeskSettings", "build"]
