"""The conversation with members, the same for every channel."""
