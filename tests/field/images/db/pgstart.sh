#!/bin/sh
pg_ctlcluster 15 main start || exit 1
i=0
until pg_isready -q; do i=$((i+1)); [ $i = 60 ] && exit 1; sleep 0.5; done
