#!/bin/sh
# As astropy's documentation says, at start.
cd /tmp && pytest -q -p no:cacheprovider --pyargs astropy.constants 2>&1 | tail -1 | grep -oE '[0-9]+ (passed|failed)|error.*|no tests.*'
