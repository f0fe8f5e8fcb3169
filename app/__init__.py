"""The Gradio front end: pages and wording, no numerics."""
