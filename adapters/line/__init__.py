"""LINE: webhook, replies and pushes through line-bot-sdk v3 (platforms.md 2). Imported only when it is configured."""
