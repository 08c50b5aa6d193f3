"""A browser's view of the certificate: TLS with the names checked, and the key gone afterwards."""

import ipaddress
import socket
import ssl
import threading
import urllib.request
from pathlib import Path

import pytest

from demo.https import address, certified
from tests.camera import served


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", address(), socket.gethostname()])
def test_a_client_that_trusts_it_connects_by_every_name(name):
    with certified() as files, socket.create_server(("127.0.0.1", 0)) as listener:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(files["ssl_certfile"], files["ssl_keyfile"])

        def answer():
            with server.wrap_socket(listener.accept()[0], server_side=True) as line:
                line.sendall(b"hello")

        thread = threading.Thread(target=answer)
        thread.start()
        client = ssl.create_default_context(cafile=files["ssl_certfile"])
        plain = socket.create_connection(listener.getsockname(), timeout=10)
        with client.wrap_socket(plain, server_hostname=name) as line:
            assert line.recv(5) == b"hello"
        thread.join()


def test_the_key_is_for_its_owner_and_does_not_stay():
    with certified() as files:
        key = Path(files["ssl_keyfile"])
        assert key.stat().st_mode & 0o077 == 0
    assert not key.exists()


def test_the_app_answers_securely(tmp_path):
    with served(tmp_path, "--https", "--host", "127.0.0.1", scheme="https") as (address, _):
        trusting = ssl._create_unverified_context()  # whoever it is: made at the start, see above
        with urllib.request.urlopen(address, timeout=30, context=trusting) as answer:
            assert answer.status == 200 and b"MobileFaceSwap" in answer.read()


def test_the_address_is_one():
    assert ipaddress.ip_address(address()).version == 4
