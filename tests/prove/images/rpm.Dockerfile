# For rpm-slim: packages with files of all the kinds that rpm marks (doc, license, lang), in an rpm database of SQLite.
FROM images-base
RUN apt-get update && apt-get install -y --no-install-recommends rpm && mkdir -p /etc/rpm && echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros
COPY tool.spec /
RUN rpmbuild -bb --quiet --define '_topdir /build' /tool.spec && rpm --force-debian -i /build/RPMS/noarch/*.rpm && rm -r /build && \
    mkdir -p /var/cache/dnf/repo && echo x >/var/cache/dnf/repo/primary.xml.gz && printf 'ID=fedora\n' >/etc/os-release
