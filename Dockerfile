# trax-mcp over HTTP, for bots and teams. Each caller sends their own TRaX key; none is kept here.
#   docker build --tag trax-mcp .
#   docker run --read-only --publish 127.0.0.1:8765:8765 trax-mcp
# What is given after the image's name is added to the command: `--sandbox` needs no key at all.

# The digest is that of all platforms together. To look up a newer one:
#   docker buildx imagetools inspect python:3.13-slim
ARG BASE=python:3.13-slim@sha256:70729b46c69b4f1e97c4822c1af3df53a1476cf5ddc6c087c0c10bc3a5678c2f

FROM $BASE AS build
WORKDIR /src
# What is downloaded is named by its hash: `make lock` writes these files.
COPY deploy/requirements.lock deploy/build-requirements.lock deploy/
# pip fills both environments from outside, so that neither it nor what builds the package is left in.
RUN python -m venv --without-pip /opt/trax-mcp \
    && python -m pip --python /opt/trax-mcp/bin/python install --no-cache-dir --only-binary :all: --require-hashes --requirement deploy/requirements.lock \
    && python -m venv --without-pip /opt/build \
    && python -m pip --python /opt/build/bin/python install --no-cache-dir --only-binary :all: --require-hashes --requirement deploy/build-requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY prompts prompts
COPY trax_mcp trax_mcp
RUN python -m pip --python /opt/build/bin/python wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && python -m pip --python /opt/trax-mcp/bin/python install --no-cache-dir --no-deps --no-index --find-links dist trax-mcp

FROM $BASE
LABEL org.opencontainers.image.title="trax-mcp" \
      org.opencontainers.image.description="Run TRaX live streams by conversation, over HTTP." \
      org.opencontainers.image.licenses="MIT"
RUN python -m pip uninstall --yes pip
COPY --from=build /opt/trax-mcp /opt/trax-mcp
ENV PATH=/opt/trax-mcp/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1
# A number, so that a host that allows no root can see that this is none. It owns no file.
USER 65532:65532
EXPOSE 8765
# Not urllib: that would ask a proxy, if one is set.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["python", "-c", "from http.client import HTTPConnection; it = HTTPConnection('127.0.0.1', 8765, timeout=4); it.request('GET', '/healthz'); raise SystemExit(it.getresponse().status != 200)"]
# Every interface is the container's own. By which names it may be called, TRAX_ALLOWED_HOSTS says.
ENTRYPOINT ["trax-mcp", "http", "--host", "0.0.0.0"]
