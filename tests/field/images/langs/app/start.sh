#!/bin/sh
set -e
make -s -C /app/mk run
pkg-config --modversion zlib
echo 'define(x, 42)x' | m4
strings -n 8 /usr/bin/luajit | grep -c . | grep -qv '^0$' && echo strings
