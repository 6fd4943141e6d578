"""Chats, the messages in them, and the multi-step forms under way."""
