# Writes /rootfs: an Alpine layout with one package and its -doc.
set -e
r=/rootfs
mkdir -p $r/bin $r/tmp $r/lib/apk/db $r/etc/apk $r/usr/share/doc/tiny $r/usr/share/man/man1 $r/usr/share/licenses/tiny $r/var/cache/apk
cp /bin/busybox $r/bin/
echo 3.20.0 >$r/etc/alpine-release
printf 'ID=alpine\nVERSION_ID=3.20.0\n' >$r/etc/os-release
echo root:x:0:0:root:/root:/bin/sh >$r/etc/passwd
echo tiny >$r/etc/apk/world
echo manual >$r/usr/share/doc/tiny/README
echo page >$r/usr/share/man/man1/tiny.1
echo MIT >$r/usr/share/licenses/tiny/LICENSE
echo index >$r/var/cache/apk/APKINDEX.1.tar.gz
printf '#!/bin/sh\necho tiny 1\n' >$r/bin/tiny
chmod 755 $r/bin/tiny
{
    printf 'P:tiny\nV:1-r0\nA:x86_64\nS:9\nI:9\nT:a program\nL:MIT\nF:bin\nR:tiny\na:0:0:755\nF:usr/share/licenses/tiny\nR:LICENSE\n\n'
    printf 'P:tiny-doc\nV:1-r0\nA:x86_64\nS:9\nI:9\nT:its pages\nL:MIT\nF:usr/share/doc/tiny\nR:README\nF:usr/share/man/man1\nR:tiny.1\n\n'
} >$r/lib/apk/db/installed
