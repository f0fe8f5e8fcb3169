"""The languages of the page: catalogues of messages, and the language of a request."""
