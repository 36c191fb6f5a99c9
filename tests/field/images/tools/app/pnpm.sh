#!/bin/sh
cd /app/node && pnpm --silent start && pnpm --silent ls --depth 0 | tail -1
