#!/bin/sh
# Postfix delivers a mail that mailutils sends, mutt reads it.
touch /var/mail/user && chown user:mail /var/mail/user
postfix start 2>/dev/null
echo hello | mail -s greeting user
i=0
until [ -s /var/mail/user ]; do i=$((i+1)); [ $i = 40 ] && break; sleep 0.25; done
grep -c '^Subject: greeting' /var/mail/user
mail -f /var/mail/user -H 2>&1 | grep -c greeting
