"""/api/v1 and the same functions for gradio_client."""
