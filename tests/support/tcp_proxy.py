"""A TCP proxy on loopback that can be cut: what is on its way is then lost, as in a partition."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

__all__ = ["TcpProxy", "tcp_proxy"]


class TcpProxy:
    """Forwards bytes between its port and another one of this machine."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._is_cut = False
        self._word = b""
        self._words_left = 0
        self._muted: socket.socket | None = None
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._run(self._accept)

    def cut(self) -> None:
        """Forward nothing from now on, and close nothing: nobody is told."""
        self._is_cut = True

    def heal(self) -> None:
        """Forward again; what came meanwhile is gone, so the old connections end."""
        self._is_cut = False
        self._end_connections()

    def lose_answer(self, word: bytes, *, after: int = 0) -> None:
        """Deliver a request that holds a word, lose its answer and end the connection, once.

        Args:
            word: What to look for.
            after: So many such requests are answered before.
        """
        self._word, self._words_left = word, after

    def stop(self) -> None:
        """Close everything."""
        _end(self._listener)
        self._end_connections()
        for thread in self._threads:
            thread.join()
        for one in (self._listener, *self._sockets):
            one.close()

    def _end_connections(self) -> None:
        for one in self._sockets:
            _end(one)

    def _run(self, work: Callable[..., None], *arguments: socket.socket) -> None:
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                server = socket.create_connection(self._target)
                self._sockets.append(server)
            except OSError:
                return
            self._run(self._pump, client, server)
            self._run(self._pump, server, client)

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while (data := one.recv(65536)) and one is not self._muted:
                if self._word and self._word in data:
                    self._count(answers=other)
                if not self._is_cut:
                    other.sendall(data)
        if not self._is_cut:
            _end(other)

    def _count(self, *, answers: socket.socket) -> None:
        if self._words_left == 0:
            self._word, self._muted = b"", answers
        self._words_left -= 1


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def tcp_proxy(target: tuple[str, int]) -> Iterator[TcpProxy]:
    """Run a proxy for the length of a block."""
    proxy = TcpProxy(target)
    try:
        yield proxy
    finally:
        proxy.stop()
