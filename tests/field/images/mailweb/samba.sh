#!/bin/sh
# The sample configuration as a first one.
set -e
cp /usr/share/doc/samba-common/examples/smb.conf.default /tmp/smb.conf
grep "^\[" /tmp/smb.conf
