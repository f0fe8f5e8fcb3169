"""Whether a model hub answers, found out by one short request before anything waits for it.

The hub's own client retries an unreachable host for the better part of a minute, and takes whatever answers for a hub:
the login page of a hotel's network, or another server.
"""

import http.client
import os
import re
import socket
import ssl
import threading
import urllib.request
from base64 import b64encode
from email.message import Message
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit

ANSWER_SECONDS = 2.5  # for an answer; a hub that takes longer is as good as away
REPOSITORY = "timm/ViT-B-16-SigLIP2"  # of the catalogue
FILE = "open_clip_config.json"  # a small one
OF_A_HUB = ("X-Repo-Commit", "X-Error-Code", "X-Linked-ETag")  # what no other server answers with
CERTIFICATES = "if your organisation has a certificate of its own, set SSL_CERT_FILE or REQUESTS_CA_BUNDLE to its file"


def endpoint() -> str:
    """The hub's address, or that of the mirror in HF_ENDPOINT."""
    return (os.environ.get("HF_ENDPOINT", "").strip() or "https://huggingface.co").rstrip("/")


def shown() -> str:
    """The hub's address for messages: without the user and password that the address of a mirror may hold."""
    return re.sub(r"//[^/]*@", "//", endpoint())


def is_forbidden() -> bool:
    """Whether HF_HUB_OFFLINE says not to ask the hub."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def use_certificates() -> None:
    """Let the hub's client trust the certificates of REQUESTS_CA_BUNDLE, which it does not read itself."""
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if bundle and not os.environ.get("SSL_CERT_FILE") and not os.environ.get("SSL_CERT_DIR"):
        os.environ["SSL_CERT_DIR" if os.path.isdir(bundle) else "SSL_CERT_FILE"] = bundle


def absence(repository: str = REPOSITORY) -> str:
    """Why no hub can be asked, as the part of a sentence; "" where one answers. At most ANSWER_SECONDS.

    repository: one that it may have, since a mirror may have no other; it need not. No token is sent.
    """
    if is_forbidden():
        return "HF_HUB_OFFLINE is set"
    if not _is_address(endpoint()):
        return f"HF_ENDPOINT is {shown()!r}; the address of a hub begins with https:// or http:// and a host"
    use_certificates()
    found: list[str] = []
    # Looking up a host's name has no time limit of its own, so the whole attempt gets one.
    attempt = threading.Thread(target=lambda: found.append(_ask(repository)), daemon=True)
    attempt.start()
    attempt.join(ANSWER_SECONDS)
    return found[0] if found else f"{shown()} does not answer within {ANSWER_SECONDS:g} s"


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and " " not in text
    except ValueError:  # a port that is none
        return False


def _ask(repository: str) -> str:
    to = urlsplit(endpoint())
    proxies = urllib.request.getproxies()
    proxy = proxies.get(to.scheme) or proxies.get("all") or ""
    if proxy and urllib.request.proxy_bypass(to.hostname or ""):
        proxy = ""
    try:
        if proxy.startswith("socks"):  # urllib does not speak it, and the hub's client does
            server = urlsplit(proxy)
            socket.create_connection((server.hostname or "", server.port or 1080), ANSWER_SECONDS).close()
            return ""
        return _is_none(*_head(f"{endpoint()}/{repository}/resolve/main/{FILE}", {to.scheme: proxy} if proxy else {}))
    except (http.client.HTTPException, ValueError):  # it speaks something else
        return _other()
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        if isinstance(reason, ssl.SSLError):
            return f"the certificate of {shown()} cannot be verified ({reason.reason or reason}); {CERTIFICATES}"
        if isinstance(reason, TimeoutError):
            return f"{shown()} does not answer within {ANSWER_SECONDS:g} s"
        by = f"the proxy {urlsplit(proxy).hostname} gives no way to {shown()}" if proxy else f"no way to {shown()}"
        text = getattr(reason, "strerror", None) or str(reason)
        return f"{by}: {text}" + ("; check HTTPS_PROXY" if proxy else "")


def _head(url: str, proxies: dict[str, str]) -> tuple[int, Message]:
    """Status and headers of an address, redirects not followed."""
    handlers = [urllib.request.ProxyHandler(proxies), urllib.request.HTTPSHandler(context=_trusted()), _Stay()]
    parts = urlsplit(url)
    credentials, _, host = parts.netloc.rpartition("@")
    headers = {"User-Agent": "gelato"}
    if credentials:
        headers["Authorization"] = f"Basic {b64encode(unquote(credentials).encode()).decode()}"
    request = urllib.request.Request(parts._replace(netloc=host).geturl(), method="HEAD", headers=headers)
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=ANSWER_SECONDS) as response:
            return response.status, response.headers
    except HTTPError as error:
        return error.code, error.headers


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """None: the answer is the redirect itself."""


def _trusted() -> ssl.SSLContext:
    """The certificates that the hub's client trusts."""
    if os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR"):
        return ssl.create_default_context()
    import certifi

    return ssl.create_default_context(cafile=certifi.where())


def _is_none(status: int, headers: Message) -> str:
    """Why an answer is not a hub's; "" for one that may be.

    A hub has a header of its own for a file that it has, and at least no page to read for one that it refuses.
    """
    if status == 407:
        return (
            "the proxy asks for a user and a password (407); HTTPS_PROXY takes them as http://USER:PASSWORD@HOST:PORT"
        )
    if any(name in headers for name in OF_A_HUB) or "/resolve" in (headers.get("Location") or ""):
        return ""  # the second is how a renamed repository is answered
    is_page = "html" in (headers.get("Content-Type") or "")
    return _other() if status < 400 or status == 511 or (status in (403, 404, 405) and is_page) else ""


def _other() -> str:
    return (
        f"what answers at {shown()} is not a model hub; it may be a login page of the network, which a browser shows, "
        f"or another server, which HF_ENDPOINT names"
    )
