#!/bin/sh
# Starts projects from skeletons in packages.
cd /tmp
case $1 in
ansible-creator) timeout 60 ansible-creator init collection field.tester /tmp/coll --no-ansi >/dev/null 2>&1; find /tmp/coll | sort ;;
dbt) timeout 100 dbt --quiet --no-send-anonymous-usage-stats init --skip-profile-setup jaffle >/dev/null 2>&1 </dev/null; find /tmp/jaffle | sort ;;
mkdocs) mkdocs new m >/dev/null 2>&1; find m | sort ;;
scrapy) scrapy startproject s >/dev/null 2>&1; find s -name '*.py' | sort ;;
ansible-galaxy) timeout 60 ansible-galaxy role init r >/dev/null 2>&1; find r | sort ;;
esac
