# For caches and strip: package managers used and nothing cleaned; a program built with ccache, and a deleted wheel.
FROM images-base
RUN apt-get update && apt-get install -y --no-install-recommends ccache gcc libc6-dev
RUN printf '#include <stdio.h>\nint main(){puts("hi");}\n' >/hi.c && ccache gcc -g /hi.c -c -o /hi.o && gcc /hi.o -o /usr/local/bin/hi
RUN python3 -m venv /venv
ENV PATH=/venv/bin:$PATH
RUN --mount=type=bind,source=ca.crt,target=/ca.crt PIP_CERT=/ca.crt pip install uv poetry && \
    SSL_CERT_FILE=/ca.crt uv pip install --python /venv rich && echo scratch >/tmp/scratch
