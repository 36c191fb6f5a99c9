#!/bin/sh
# The documented way to a first configuration.
set -e
mkdir -p /tmp/vpn && cd /tmp/vpn
cp /usr/share/doc/openvpn/examples/sample-config-files/server.conf .
cp -r /usr/share/doc/openvpn/examples/sample-keys .
grep -E '^(port|proto|dev|ca|cert|key|dh) ' server.conf
ls sample-keys | head -5
