#!/bin/sh
exec python /tmp/flow/main.py
