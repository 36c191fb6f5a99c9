# For debian-slim: programs with documentation, translations, charsets and Perl.
FROM images-base
ENV LANG=de_DE.UTF-8
RUN apt-get update && apt-get install -y --no-install-recommends git openssh-client curl gettext-base info locales make vim-tiny && \
    sed -i 's/^# de_DE.UTF-8/de_DE.UTF-8/' /etc/locale.gen && locale-gen
