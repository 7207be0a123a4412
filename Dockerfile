# One image for everything; the command chooses:
#   docker run tally                                              a worker
#   docker run tally tally gateway                                a gateway
#   docker run --publish 6067:6067 tally tally ingest http        records from other systems
#   docker run --no-healthcheck tally tally-produce simulate      a producer
# All it writes is in /data, so add --read-only. It stops within 30 s of SIGTERM.

# Any Debian, or one like it, whose `python` is 3.11 or newer and has its headers.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
# For the compiled part of the hot path. Its version is the base's: nothing of it is in the result.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# Dependencies first, for they change seldom. All are wheels, with the hashes of the lock files.
COPY deploy/image/ deploy/image/
RUN python -m venv /opt/build \
 && /opt/build/bin/pip install --no-cache-dir --require-hashes --only-binary :all: \
        --requirement deploy/image/build.lock \
 && python -m venv --without-pip /opt/tally \
 && /opt/build/bin/pip --python /opt/tally/bin/python install --no-cache-dir --require-hashes \
        --only-binary :all: --requirement deploy/image/requirements.lock
COPY . .
# Elsewhere the compiled part is optional; here it has to be in.
RUN /opt/build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /dist . \
 && /opt/build/bin/pip --python /opt/tally/bin/python install --no-cache-dir --no-deps /dist/*.whl \
 && /opt/build/bin/pip --python /opt/tally/bin/python check
WORKDIR /
RUN /opt/tally/bin/python -c "import streams.compiled"

FROM ${BASE}
RUN groupadd --gid 10001 tally \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin tally \
 && install --directory --owner=tally --group=tally /data
COPY --from=build /opt/tally /opt/tally
ENV PATH=/opt/tally/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    STREAMS_DATA_DIR=/data \
    STREAMS_WEB_HOST=0.0.0.0 \
    STREAMS_INGEST_HOST=0.0.0.0
# By number, so that a cluster that refuses root can tell.
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 6066 6067
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-m", "streams.health_check"]
CMD ["tally", "worker"]
