#!/bin/sh
# A health check that runs a package's own tests.
set -e
cd /tmp
pytest -q -p no:cacheprovider --pyargs networkx.classes.tests.test_graph | tail -1 | cut -d' ' -f1,2
