import socket
import sys

import pytest

from dantaro_operator.adapters.kubernetes.session import open_socket

pytestmark = pytest.mark.unit


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such limit")
def test_the_kernel_gives_up_what_is_not_delivered_in_time() -> None:
    address = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", 1))
    with open_socket(2.5, address) as opened:
        assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 2500
        assert opened.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
