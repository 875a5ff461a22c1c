"""The bot's own HTTP server: figures only, nothing that changes the bot."""

__all__: list[str] = []
