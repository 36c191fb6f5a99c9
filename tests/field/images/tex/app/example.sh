#!/bin/sh
# Compiles an example that comes with LaTeX's documentation.
cd /tmp && cp /app/a.tex . && pdflatex -interaction=batchmode a.tex >/dev/null && ls -1 a.pdf
texdoc -l -M usrguide 2>&1 | cut -f3 | head -3
