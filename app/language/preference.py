"""Which language a browser is answered in: what its user chose here, else what it asks for, else English."""

from http.cookies import CookieError, SimpleCookie

from app.language.names import ENGLISH, LANGUAGES

COOKIE = "gelato-language"  # written by the page's menu


def preferred(cookies: str, accepted: str) -> str:
    """The code of the language. cookies: the header Cookie. accepted: the header Accept-Language."""
    return chosen(cookies) or asked_for(accepted) or ENGLISH


def chosen(cookies: str) -> str | None:
    """The language that the cookie names, if it is one of ours."""
    try:
        cookie = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return None
    return cookie.value if cookie is not None and cookie.value in LANGUAGES else None


def asked_for(accepted: str) -> str | None:
    """The first of our languages by the weights of Accept-Language, such as "de-DE,de;q=0.9,en;q=0.8"."""
    weighted = []
    for part in accepted[:1000].split(","):
        name, _, weight = part.partition(";")
        code = name.strip().lower().partition("-")[0]
        if code in LANGUAGES:
            weighted.append((_weight(weight), code))
    positive = [(weight, code) for weight, code in weighted if weight > 0]
    return max(positive, key=lambda one: one[0])[1] if positive else None  # of equal weights the first


def _weight(text: str) -> float:
    """The weight in "q=0.8"; 1 without one, 0 for what is no number."""
    name, _, value = text.strip().partition("=")
    if not name:
        return 1.0
    try:
        return min(1.0, float(value)) if name.strip().lower() == "q" else 0.0
    except ValueError:
        return 0.0
