#!/bin/sh
# What a deployment does when it starts.
set -e
cd /app
python manage.py collectstatic --noinput -v 0
python manage.py migrate -v 0
ls /tmp/static
