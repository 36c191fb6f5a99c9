project = "Buch"
language = "de"
html_theme = "sphinx_rtd_theme"
