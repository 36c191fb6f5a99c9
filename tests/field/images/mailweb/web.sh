#!/bin/sh
# Starts a server and prints what it says of each path.
case $1 in
apache2) . /etc/apache2/envvars; mkdir -p /run/apache2 /run/lock; apache2 -k start ;;
nginx) nginx ;;
lighttpd) lighttpd -f /etc/lighttpd/lighttpd.conf ;;
esac
shift
sleep 1
for path; do curl -s -o /tmp/out -w "$path %{http_code} %{size_download}\n" "http://127.0.0.1$path"; done
