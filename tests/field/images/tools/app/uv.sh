#!/bin/sh
exec uv run --offline --script /app/script.py
