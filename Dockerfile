# trax-mcp over HTTP, for bots and teams. Each caller sends their own TRaX key; none is kept here.
#   docker build --tag trax-mcp .
#   docker run --read-only --publish 127.0.0.1:8765:8765 trax-mcp
# What is given after the image's name is added to the command: `--sandbox` needs no key at all.
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY prompts prompts
COPY trax_mcp trax_mcp
# pip fills the environment from outside, so that neither it nor what built the package is left in.
RUN python -m venv --without-pip /opt/trax-mcp \
    && python -m pip --python /opt/trax-mcp/bin/python install --no-cache-dir ".[replicas,sign-in,telemetry]"

FROM python:3.13-slim
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
