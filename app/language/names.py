"""The languages that the page speaks."""

ENGLISH = "en"  # the language of the code
LANGUAGES = {ENGLISH: "English", "de": "Deutsch"}  # by their codes, each under its own name
