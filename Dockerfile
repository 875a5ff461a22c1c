# The images of Dantaro, one target each: docker build --target runtime --tag dantaro-runtime .
#
# BASE gives Python 3.11 or newer with its module venv. Every package is as requirements.lock pins
# it. Nothing in an image needs a shell, a writable root or a user of that name.
ARG BASE=python:3.12-slim


FROM ${BASE} AS wheel
WORKDIR /build
RUN python3 -m venv pip && python3 -m venv --without-pip hatch
COPY requirements.lock docker/install_locked.py ./
RUN pip/bin/python install_locked.py requirements.lock hatch/bin/python hatchling
COPY pyproject.toml README.md LICENSE ./
COPY crds crds
COPY operator operator
COPY runtime runtime
COPY central central
RUN pip/bin/pip --python hatch/bin/python wheel --no-deps --no-build-isolation --wheel-dir dist .


FROM wheel AS runtime-files
RUN python3 -m venv --without-pip /opt/dantaro \
    && pip/bin/python install_locked.py requirements.lock /opt/dantaro/bin/python \
        "$(echo dist/*.whl)[runtime]"


FROM ${BASE} AS runtime
LABEL org.opencontainers.image.title="dantaro-runtime" \
      org.opencontainers.image.description="One trading bot of Dantaro" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=runtime-files /opt/dantaro /opt/dantaro
ENV PATH=/opt/dantaro/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/opt/dantaro/bin/dantaro-bot"]


FROM wheel AS operator-files
RUN python3 -m venv --without-pip /opt/dantaro \
    && pip/bin/python install_locked.py requirements.lock /opt/dantaro/bin/python \
        "$(echo dist/*.whl)[operator]"


FROM ${BASE} AS operator
LABEL org.opencontainers.image.title="dantaro-operator" \
      org.opencontainers.image.description="The operator of Dantaro" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=operator-files /opt/dantaro /opt/dantaro
ENV PATH=/opt/dantaro/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
EXPOSE 8081
ENTRYPOINT ["/opt/dantaro/bin/dantaro", "operator"]


FROM wheel AS central-files
RUN python3 -m venv --without-pip /opt/dantaro \
    && pip/bin/python install_locked.py requirements.lock /opt/dantaro/bin/python \
        "$(echo dist/*.whl)[central,worker,analyst,postgres,redis]"


FROM ${BASE} AS central
LABEL org.opencontainers.image.title="dantaro-central" \
      org.opencontainers.image.description="Market analysis for the bots of Dantaro" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=central-files /opt/dantaro /opt/dantaro
ENV PATH=/opt/dantaro/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
EXPOSE 8000
ENTRYPOINT ["/opt/dantaro/bin/dantaro-central"]
CMD ["all"]
