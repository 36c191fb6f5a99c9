#!/bin/sh
# A manual whose own language is German, whoever formats it.
export LC_ALL=C.UTF-8
cd /tmp && makeinfo --html --no-split -o m.html /app/manual.texi && grep -oE "Vorige|Previous|See|siehe" m.html | sort | uniq -c
