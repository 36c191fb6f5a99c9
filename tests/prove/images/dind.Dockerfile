# For dind: the daemon with what it calls by name, and what CI jobs bring: git, ssh, ansible, molecule.
FROM images-base
RUN sed -i 's/ main$/ main contrib/' /etc/apt/sources.list && apt-get update && \
    apt-get install -y --no-install-recommends docker.io git openssh-client busybox iptables pigz btrfs-progs xfsprogs \
    e2fsprogs kmod iproute2 uidmap xz-utils zfsutils-linux
RUN python3 -m venv /opt/ansible
ENV PATH=$PATH:/opt/ansible/bin
RUN --mount=type=bind,source=ca.crt,target=/ca.crt \
    PIP_CERT=/ca.crt /opt/ansible/bin/pip install ansible-core molecule
ENTRYPOINT ["dockerd"]
