"""python -m app.language: bring the catalogues up to date with the messages of the code, as `make messages` does."""

from babel.messages.pofile import write_po

from app.language.catalogues import DOMAINS, catalogue_file, is_translated, read_catalogue
from app.language.extraction import extract
from app.language.names import ENGLISH, LANGUAGES


def update(language: str, domain: str) -> list[str]:
    """Add new messages to a catalogue and drop those that are gone; what has no translation yet."""
    catalogue = read_catalogue(language, domain)
    catalogue.update(extract(domain), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    with catalogue_file(language, domain).open("wb") as file:
        write_po(file, catalogue, width=0, sort_output=True, omit_header=False, include_lineno=False)
    return [str(message.id) for message in catalogue if message.id and not is_translated(message)]


def main() -> None:
    """Update all catalogues and list what is still to be translated."""
    for language in LANGUAGES.keys() - {ENGLISH}:
        for domain in DOMAINS:
            missing = update(language, domain)
            print(f"{catalogue_file(language, domain)}: {len(missing)} messages without a translation")
            for message in missing:
                print(f"  {message}")


if __name__ == "__main__":
    main()
