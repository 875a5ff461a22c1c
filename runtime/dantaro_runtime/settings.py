"""The configuration file of one bot: its only settings.

The bot takes no settings from the environment: the operator hands it one file, and pydantic-
settings would cost about 6 MiB of each bot (ADR 0003).
"""

from pathlib import Path

from pydantic import ValidationError

from dantaro_crds.wire.bot_config import BotConfig
from dantaro_runtime.errors import ConfigError

__all__ = ["ConfigFile"]


class ConfigFile:
    """Reads the file when it has changed.

    Args:
        path: The JSON file; a mounted ConfigMap replaces it by a symbolic link, which counts as
            change.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None

    def read(self) -> BotConfig | None:
        """Return the configuration when the file has changed since the last call, else None.

        Raises:
            ConfigError: The file cannot be read, or is no configuration.
        """
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if stamp == self._seen:
                return None
            text = self._path.read_bytes()
        except OSError as error:
            raise ConfigError(f"{self._path.name} cannot be read: {error.strerror}") from error
        self._seen = stamp
        try:
            return BotConfig.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ConfigError(f"{self._path.name}: {where}: {first['msg']}") from error
