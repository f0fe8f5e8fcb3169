"""What is open: collections, encoders, uploads and jobs. It knows neither Gradio nor HTTP."""
