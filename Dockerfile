# One image for workers and producers:
#   docker run tally                                  a worker
#   docker run --no-healthcheck tally tally-produce simulate
#   docker run --no-healthcheck -p 6067:6067 tally tally ingest http
FROM python:3.11-slim AS build
# For the compiled part of the hot path.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev
RUN python -m venv /opt/tally
WORKDIR /src
COPY . .
RUN /opt/tally/bin/pip install --no-cache-dir '.[aws,avro,mqtt,parquet,sns,sql]'

FROM python:3.11-slim
RUN useradd --uid 10001 --no-create-home tally && install -d -o tally /data
COPY --from=build /opt/tally /opt/tally
ENV PATH=/opt/tally/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    STREAMS_DATA_DIR=/data \
    STREAMS_WEB_HOST=0.0.0.0 \
    STREAMS_INGEST_HOST=0.0.0.0
USER tally
WORKDIR /data
VOLUME /data
EXPOSE 6066 6067
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-c", \
    "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('STREAMS_WEB_PORT', '6066') + '/health', timeout=4)"]
CMD ["tally", "worker"]
