# The `ledgerline` command in an image: a worker unless another command is named.
#   docker build -t ledgerline:0.1.0 . && docker run --rm ledgerline:0.1.0 --help
# The version of Node that the tests run on, on Debian: the codecs' binaries want glibc.
ARG NODE_IMAGE=node:20.20.2-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Not `npm ci`: it refuses a lock file without the binaries of every platform (scripts/ready.mjs). Versions
# are the lock file's all the same, and no package's install script is needed.
RUN npm install --no-save --ignore-scripts --no-audit --no-fund
COPY . .
RUN node node_modules/typescript/bin/tsc -p tsconfig.json

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Without what only development needs, and with PostgreSQL's driver: the package leaves it to those who have
# an outbox, the image has all commands.
RUN npm pkg set "dependencies.pg=$(node -p "require('./package.json').peerDependencies.pg")" \
  && npm pkg delete devDependencies peerDependencies peerDependenciesMeta \
  && npm install --no-save --ignore-scripts --no-audit --no-fund

FROM ${NODE_IMAGE}
WORKDIR /app
# As package.json's `files`: no tests, benches or examples.
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist/schemas ./dist/schemas
COPY --from=build /app/dist/producers ./dist/producers
COPY --from=build /app/dist/outbox ./dist/outbox
COPY --from=build /app/dist/consumers ./dist/consumers
COPY --from=build /app/dist/clickhouse ./dist/clickhouse
COPY --from=build /app/dist/local ./dist/local
COPY --from=build /app/dist/cli ./dist/cli
COPY clickhouse/migrations ./clickhouse/migrations
COPY outbox/migrations ./outbox/migrations
ENV NODE_ENV=production \
  LEDGERLINE_HTTP_HOST=0.0.0.0 \
  LEDGERLINE_HTTP_PORT=9464
EXPOSE 9464
# By number, so that Kubernetes can see that it is not root. Nothing is written: a read-only root will do.
USER 1000:1000
# A worker drains at it, for LEDGERLINE_DRAIN_TIMEOUT_MS at most.
STOPSIGNAL SIGTERM
# Alive, not ready: an outage of Kafka or ClickHouse is waited for, not restarted.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.LEDGERLINE_HTTP_PORT}/healthz`, { signal: AbortSignal.timeout(4000) }).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/cli/ledgerline.js"]
CMD ["worker"]
