#!/bin/sh
# Plug-ins' tests are found by the directories that the plug-ins name.
set -e
cd /tmp && rm -rf w && tempest init w >/dev/null 2>&1 && cd w
tempest list-plugins 2>/dev/null | grep -c keystone_tests
tempest run -l 2>/dev/null | grep -c keystone_tempest_plugin
