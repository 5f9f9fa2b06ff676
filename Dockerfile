# The manager image: small, without a shell's worth of tools, not root; runs with a read-only root file system.
FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /uv && /uv/bin/pip install --no-cache-dir uv
COPY pyproject.toml uv.lock README.md LICENSE ./
COPY src ./src
RUN /uv/bin/uv sync --frozen --no-dev --no-editable

FROM python:3.11-slim
COPY --from=build /src/.venv /src/.venv
ENV PATH=/src/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
ENTRYPOINT ["capelin", "manager"]
