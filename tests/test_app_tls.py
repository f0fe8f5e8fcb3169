"""TLS by files: what is served over it, and which files are refused in a sentence."""

import ssl
import threading

import httpx
import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from starlette.responses import PlainTextResponse

from app.server.listening import listen
from app.server.running import Server
from app.server.tls import check_certificate
from training.models.errors import UserError


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with an authority, a certificate with and without its key, another key, and one with a password."""
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    made, other = (authority.issue_cert("localhost", "127.0.0.1") for _ in range(2))
    authority.cert_pem.write_to_path(folder / "authority")
    made.cert_chain_pems[0].write_to_path(folder / "certificate")
    made.private_key_pem.write_to_path(folder / "key")
    made.private_key_and_cert_chain_pem.write_to_path(folder / "both")
    other.private_key_pem.write_to_path(folder / "other")
    key = serialization.load_pem_private_key(made.private_key_pem.bytes(), None)
    locked = serialization.BestAvailableEncryption(b"x")
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "locked").write_bytes(key.private_bytes(pem, pkcs8, locked))
    (folder / "text").write_text("no certificate")
    return folder


@pytest.mark.parametrize(
    ("certificate", "key", "says"),
    [
        ("text", None, "PEM"),
        ("certificate", None, "PEM"),
        ("certificate", "other", "PEM"),
        ("certificate", "text", "PEM"),
        ("certificate", "locked", "has a password"),
        ("nowhere", None, "cannot be read"),
        (None, "key", "--ssl-certfile"),
    ],
)
def test_files_that_cannot_be_used_are_refused_in_a_sentence(files, certificate, key, says):
    with pytest.raises(UserError, match=says):
        check_certificate(*(name and files / name for name in (certificate, key)))


@pytest.mark.parametrize(("certificate", "key"), [("certificate", "key"), ("both", None)])
def test_what_is_served_with_a_certificate_is_served_over_tls(files, certificate, key):
    certificate, key = files / certificate, key and files / key
    assert check_certificate(certificate, key) and not check_certificate(None, None)
    listening = listen("127.0.0.1", 0, True)
    listening.listen()
    server = Server(PlainTextResponse("hello"), listening, certificate, key)
    thread = threading.Thread(target=server.run)
    thread.start()
    address = f"127.0.0.1:{listening.getsockname()[1]}/"
    trusting = ssl.create_default_context(cafile=files / "authority")
    assert httpx.get(f"https://{address}", verify=trusting, timeout=30).text == "hello"
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://{address}", timeout=30)
    server.stop()
    thread.join(20)
    assert not thread.is_alive()
