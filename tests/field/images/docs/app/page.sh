#!/bin/sh
# A manual page in German.
export LC_ALL=de_DE.UTF-8
help2man -N -L de_DE.UTF-8 -n x ls | grep '^.SH' | head -3
