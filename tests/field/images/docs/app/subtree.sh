#!/bin/sh
cd /opt/subtree && ls && head -2 git-subtree.sh
