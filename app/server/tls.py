"""TLS by files: a certificate and its key, checked before the page is made."""

import ssl
from pathlib import Path

from training.models.errors import UserError


def check_certificate(certificate: Path | None, key: Path | None) -> bool:
    """Whether the page is served over TLS. UserError if the files cannot be used; the key may be in certificate."""
    if certificate is None:
        if key is not None:
            raise UserError("--ssl-keyfile needs --ssl-certfile, the certificate that the key belongs to.")
        return False
    for path in filter(None, (certificate, key)):
        try:
            path.open("rb").close()
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, _no_password)
    except (ssl.SSLError, _Encrypted) as error:
        if isinstance(error, _Encrypted):
            raise UserError(f"The key in {key or certificate} has a password; Gelato needs one without.") from error
        where = f"{certificate} and {key} are" if key else f"{certificate} is"
        raise UserError(f"{where} no certificate with its key, both in PEM: {error.reason or error}.") from error
    return True


class _Encrypted(Exception):
    """The key has a password."""


def _no_password() -> str:
    raise _Encrypted
