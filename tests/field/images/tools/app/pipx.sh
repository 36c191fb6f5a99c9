#!/bin/sh
PIPX_HOME=/root/.local/pipx exec pipx run --spec pyjokes==0.8.3 pyjoke --help
