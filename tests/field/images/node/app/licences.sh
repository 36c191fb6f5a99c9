#!/bin/sh
cd /app && license-checker --csv 2>/dev/null | sort
