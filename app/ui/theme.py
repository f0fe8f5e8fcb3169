"""The look: one accent, neutral stone, images without boxes round them."""

import gradio as gr

# Only the Regular and Bold files of Gradio's fonts hold all of a-z; its default asks for SemiBold.
SANS: list[gr.themes.Font | str] = [gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"]
MONO: list[gr.themes.Font | str] = [
    gr.themes.LocalFont("IBM Plex Mono", weights=(400, 700)),
    "ui-monospace",
    "monospace",
]

THEME = gr.themes.Base(
    primary_hue=gr.themes.colors.amber,
    secondary_hue=gr.themes.colors.stone,
    neutral_hue=gr.themes.colors.stone,
    radius_size=gr.themes.sizes.radius_md,
    font=SANS,
    font_mono=MONO,
).set(
    body_background_fill="#ffffff",
    body_background_fill_dark="#131110",
    background_fill_primary="#ffffff",
    background_fill_primary_dark="#131110",
    block_background_fill="transparent",
    block_background_fill_dark="transparent",
    block_border_width="0px",
    block_border_width_dark="0px",
    block_shadow="none",
    block_shadow_dark="none",
    block_padding="0px",
    block_label_text_weight="400",
    block_title_text_weight="700",
    input_background_fill="#f5f5f4",
    input_background_fill_dark="#231f1d",
    input_border_width="1px",
    input_border_color="transparent",
    input_border_color_dark="transparent",
    input_border_color_focus="#d97706",
    input_border_color_focus_dark="#f59e0b",
    input_radius="10px",
    button_large_radius="10px",
    button_large_text_weight="700",
    button_primary_background_fill="#f59e0b",
    button_primary_background_fill_hover="#fbbf24",
    button_primary_background_fill_dark="#f59e0b",
    button_primary_background_fill_hover_dark="#fbbf24",
    button_primary_text_color="#1c1917",
    button_primary_text_color_dark="#1c1917",
    button_secondary_background_fill="#f5f5f4",
    button_secondary_background_fill_hover="#e7e5e4",
    button_secondary_background_fill_dark="#292524",
    button_secondary_background_fill_hover_dark="#3a3532",
    button_secondary_border_color="transparent",
    button_secondary_border_color_dark="transparent",
    checkbox_background_color_selected="#d97706",
    checkbox_background_color_selected_dark="#d97706",
)
