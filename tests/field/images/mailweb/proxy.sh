#!/bin/sh
privoxy --no-daemon /etc/privoxy/config >/tmp/log 2>&1 &
sleep 2
curl -s -o /tmp/out -w '%{http_code}\n' -x 127.0.0.1:8118 http://config.privoxy.org/user-manual/index.html
grep -o 'Privoxy [0-9.]* User Manual' /tmp/out | head -1
