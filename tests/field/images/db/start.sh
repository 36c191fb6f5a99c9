#!/bin/sh
# As pdns' documentation says: the schema lies in /usr/share/doc.
set -e
sqlite3 /tmp/pdns.sqlite3 </usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql
sqlite3 /tmp/pdns.sqlite3 .tables
