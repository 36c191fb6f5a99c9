#!/bin/sh
cd /app/node && exec npx --yes --offline cowsay@1.6.0 moo
