# For python-slim and python-min: packages whose tests, stubs, headers or sources something reads at run time, and git, which
# brings Perl.
FROM images-base
RUN python3 -m venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH
RUN --mount=type=bind,source=ca.crt,target=/ca.crt PIP_CERT=/ca.crt pip install numpy pandas scikit-image django babel cffi \
    Cython pyarrow plotly ipython pyyaml
RUN apt-get update && apt-get install -y --no-install-recommends git
CMD ["python"]
