# For alpine-slim: busybox and an apk database, as no registry is at hand; files as Alpine's -doc packages bring them.
FROM images-base AS made
RUN apt-get update && apt-get install -y --no-install-recommends busybox-static
COPY alpine.sh /
RUN sh /alpine.sh
FROM scratch
COPY --from=made /rootfs/ /
RUN ["/bin/busybox", "--install", "/bin"]
CMD ["/bin/sh"]
