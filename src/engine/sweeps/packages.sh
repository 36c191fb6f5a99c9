# Asks the package managers. Arguments: interpreters that have pip. Each question is a line `== NAME KIND`, then what it said, then
# `== CODE`, the exit code. KIND is `list`, where a line that goes is a package that went, or `check`, where any new line is bad.
ask() {
  name=$1 kind=$2
  shift 2
  printf '== %s %s\n' "$name" "$kind"
  "$@" 2>&1 </dev/null
  printf '\n== %s\n' "$?"
}
have() { command -v "$1" >/dev/null 2>&1; }
COLUMNS=200 LC_ALL=C
export COLUMNS LC_ALL
have dpkg-query && ask 'dpkg -l' list dpkg-query -W -f '${db:Status-Abbrev} ${binary:Package} ${Version}\n'
have dpkg && ask 'dpkg --audit' check dpkg --audit
have apt-get && ask 'apt-get check' check apt-get check -qq
have apk && ask 'apk info' list apk info -v
have rpm && ask 'rpm -qa' list rpm -qa
for python in "$@"; do
  ask "$python -m pip list" list "$python" -m pip list --format=freeze --disable-pip-version-check
  ask "$python -m pip check" check "$python" -m pip check --disable-pip-version-check
done
have npm && ask 'npm ls --global' check npm ls --global --depth=0 --offline
exit 0
