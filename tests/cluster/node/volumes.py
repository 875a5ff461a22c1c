"""Volumes of a node: folders with room for everybody, used again when their claim is gone."""

import shutil
from pathlib import Path

import httpx

__all__ = ["Volumes"]

_PATH = "/api/v1/persistentvolumes"


class Volumes:
    """The volumes and their folders.

    Args:
        folder: What holds the folders of all.
        count: How many.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self.folders = {f"local-{number}": folder / f"local-{number}" for number in range(count)}
        """Name to folder."""

    def make(self) -> None:
        """Make the folders."""
        for folder in self.folders.values():
            folder.mkdir(parents=True)
            folder.chmod(0o777)  # kubelet leaves the owner of a folder of the node alone

    def recycle(self, api: httpx.Client) -> None:
        """Empty the volumes whose claim was deleted and offer them again; twice is harmless."""
        for volume in api.get(_PATH).raise_for_status().json()["items"]:
            name = volume["metadata"]["name"]
            if name in self.folders and volume["status"]["phase"] == "Released":
                _empty(self.folders[name])
                self._offer(api, name)

    def _offer(self, api: httpx.Client, name: str) -> None:
        api.patch(
            f"{_PATH}/{name}",
            headers={"Content-Type": "application/merge-patch+json"},
            json={"spec": {"claimRef": None}},
        ).raise_for_status()


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
