#!/bin/sh
cd /app/node && exec pnpm --silent dlx cowsay@1.6.0 moo
