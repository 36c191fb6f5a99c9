#!/bin/sh
cd /app && exec ts-node main.ts
