"""HTTP around the page: access, timeouts, media, downloads and the API. No widgets."""
