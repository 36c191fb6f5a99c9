#!/bin/sh
# Starts projects from skeletons in packages.
cd /tmp
export HOME=/tmp/home CI=1
mkdir -p $HOME p
case $1 in
cdk-ts) cd p && cdk init app --language typescript --generate-only >/dev/null 2>&1 ;;
cdk-py) cd p && cdk init app --language python --generate-only >/dev/null 2>&1 ;;
nest) nest new p --skip-install --skip-git --package-manager npm >/dev/null 2>&1 ;;
express) express -f p >/dev/null 2>&1 ;;
fastify) fastify generate p --integrate=false >/dev/null 2>&1 || (rm -rf p && fastify generate p >/dev/null 2>&1) ;;
vue) create-vue v --default >/dev/null 2>&1; mv v/* v/.[a-z]* p/ ;;
esac
find /tmp/p -type f | sort
