#!/bin/sh
timew get dom.rc.theme.colors.today dom.rc.theme.colors.exclusion
