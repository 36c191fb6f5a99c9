#!/bin/sh
export LC_ALL=C.UTF-8
isoquery --locale=de 276 250
