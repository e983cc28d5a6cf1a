# ReadFlow as one image: docker run … readflow <command> [flags]
FROM node:24-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image has its own Node 24: the one among the optional packages is not needed.
RUN npm ci --ignore-scripts --omit=dev && rm -rf node_modules/node-linux-*

FROM node:24-bookworm-slim
ENV NODE_ENV=production READFLOW_DATA=/data READFLOW_HOST=0.0.0.0 READFLOW_METRICS_HOST=0.0.0.0
WORKDIR /app
RUN install -d -o 1000 -g 1000 /data
COPY --from=packages /app/node_modules ./node_modules
# Without package-lock.json on purpose: the launcher then leaves the packages as they are.
COPY package.json ./
COPY bin ./bin
COPY ops ./ops
COPY runtime ./runtime
COPY schemas ./schemas
COPY lake ./lake
COPY lineage ./lineage
COPY producers ./producers
COPY consumers ./consumers
COPY compactor ./compactor
COPY api ./api
RUN node ops/setup/build-page.mjs
# The image's user node, by number so that hosts can tell that it is not root.
USER 1000
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["node", "bin/readflow.mjs"]
CMD ["--help"]
