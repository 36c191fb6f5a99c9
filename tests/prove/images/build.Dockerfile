# For no-build-tools: compilers as Debian's `build-essential` brings them, headers of libraries, uv; a program that was built with
# them, Python packages with native parts, git, ssh and perl, which stay.
FROM images-base
RUN apt-get update && apt-get install -y --no-install-recommends build-essential cmake pkgconf ccache zlib1g-dev libssl-dev libffi-dev \
    git openssh-client python3 python3-pip
RUN printf '#include <stdio.h>\nint main(){puts("hi");}\n' >/hi.c && gcc /hi.c -o /usr/local/bin/hi
RUN --mount=type=bind,source=ca.crt,target=/ca.crt PIP_CERT=/ca.crt pip install --break-system-packages uv numpy cffi
