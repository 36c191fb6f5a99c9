#!/bin/sh
set -e
cat >/tmp/k.c <<'C'
int k(void) { return 42; }
C
cc -shared -fPIC -o /tmp/k.so /tmp/k.c
python3 -c 'import ctypes; print(ctypes.CDLL("/tmp/k.so").k())'
