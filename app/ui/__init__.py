"""What several tabs share: the theme, the base stylesheet, and one folder a component."""
