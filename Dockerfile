# syntax=docker/dockerfile:1
# One image for every process: `docker run herald allocator --help`. For amd64 and arm64, each built on its own kind:
#
#   docker buildx build --platform linux/amd64,linux/arm64 --tag registry.example/herald:0.1.0 --push .

FROM node:22-bookworm-slim AS build
# raw-socket (IPv6) is compiled; koffi (ARP) brings its own binaries for both architectures.
RUN apt-get update && apt-get install --yes --no-install-recommends g++ make python3 && rm -rf /var/lib/apt/lists/*
# The headers of this very Node lie here; nothing is downloaded for them.
ENV npm_config_nodedir=/usr/local
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund
# It is an optional dependency, so npm does not mind when it fails. An image does.
RUN node -e "require('raw-socket')"
COPY tsconfig.json ./
COPY functions ./functions
COPY infra ./infra
COPY workers ./workers
# The compiler is there as an optional peer of a validation library.
RUN npm run build
# The other packages are in dist/packages. Of these goes what no running process reads: what was compiled from, and forms for
# bundlers, browsers and other runtimes (Bare).
RUN cp dist/package.json ./ && npm prune --omit=dev --no-audit --no-fund \
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete \
  && rm -rf node_modules/typescript node_modules/@typescript node_modules/.bin/tsc \
  && rm -rf node_modules/@opentelemetry/*/build/esm node_modules/@opentelemetry/*/build/esnext node_modules/bare-* \
  && rm -rf node_modules/raw-socket/build/Release/obj.target node_modules/raw-socket/build/Release/.deps

FROM node:22-bookworm-slim
LABEL org.opencontainers.image.title="Herald" \
  org.opencontainers.image.description="Addresses for Kubernetes Services of type LoadBalancer, and the LAN finds them" \
  org.opencontainers.image.licenses="Apache-2.0"
# Nothing is installed when it runs: without npm there is less to patch.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn-*
ENV NODE_ENV=production \
  HERALD_STATE_DIR=/var/lib/herald \
  PATH=/app/bin:$PATH
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY LICENSE ./
COPY --from=build /app/dist ./
RUN mkdir bin && chmod +x workers/main.js && ln -s ../workers/main.js bin/herald
# By number, so that Kubernetes can tell that it is not root (runAsNonRoot).
USER 1000:1000
ENTRYPOINT ["herald"]
CMD ["--help"]
