"""The web chat: a page of our own, its JSON endpoints and server-sent events, as plain Starlette routes."""

from adapters.webchat.ports import ACCOUNT, CHANNEL, WebchatSettings
from adapters.webchat.routes import build
from adapters.webchat.sender import WebchatSender

__all__ = ["ACCOUNT", "CHANNEL", "WebchatSender", "WebchatSettings", "build"]
