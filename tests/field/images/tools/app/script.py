#!/usr/bin/env -S uv run --script
# /// script
# requires-python = ">=3.11"
# dependencies = ["humanize==4.9.0"]
# ///
import humanize
print(humanize.intcomma(1234567))
