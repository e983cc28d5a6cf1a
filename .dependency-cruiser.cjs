const programs = ['producers', 'consumers', 'compactor', 'api']
const one = (name, file, module) => ({
  name,
  comment: `${module} is imported in one file only`,
  severity: 'error',
  from: { pathNot: `^(${file}|test/)` },
  to: { path: `(^|/)node_modules/${module}(/|$)` },
})

/** The import direction of ARCHITECTURE.md. A test plants violations and expects them to be found. */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: { path: '^(producers|consumers|schemas|compactor|api|lake|runtime|lineage|ops)/' },
      to: { circular: true, dependencyTypesNot: ['type-only'] },
    },
    { name: 'not-resolvable', severity: 'error', from: { pathNot: '^test/' }, to: { couldNotResolve: true } },
    ...programs.map((program) => ({
      name: `${program}-alone`,
      comment: 'programs never import each other',
      severity: 'error',
      from: { path: `^${program}/` },
      to: { path: `^(${[...programs.filter((other) => other !== program), 'ops'].join('|')})/` },
    })),
    // Documentation is made from the catalogue itself, and the doctor holds topics and tables to it.
    { name: 'ops-starts-processes', severity: 'error', from: { path: '^ops/' }, to: { path: `^(${programs.join('|')})/` } },
    { name: 'ops-knows-no-book', severity: 'error', from: { path: '^ops/(?!docs/|doctor/)' }, to: { path: '^schemas/' } },
    {
      name: 'lake-knows-no-book',
      severity: 'error',
      from: { path: '^lake/' },
      to: { path: '^(schemas|lineage|producers|consumers|compactor|api|ops)/|^runtime/(?!errors\\.ts)' },
    },
    {
      name: 'runtime-knows-no-book',
      severity: 'error',
      from: { path: '^runtime/' },
      to: { path: '^(schemas|lake|lineage|producers|consumers|compactor|api|ops)/' },
    },
    {
      name: 'schemas-import-nothing',
      severity: 'error',
      from: { path: '^schemas/' },
      to: { path: '^(runtime|lake|lineage|producers|consumers|compactor|api|ops)/' },
    },
    {
      name: 'lineage-knows-no-program',
      severity: 'error',
      from: { path: '^lineage/' },
      to: { path: '^(producers|consumers|compactor|api|ops)/' },
    },
    one('kafkajs-in-one-file', 'runtime/kafka/kafkajs\\.ts', 'kafkajs'),
    one('crc32-in-one-file', 'runtime/kafka/records/crc32c\\.ts', '@node-rs/crc32'),
    one('lz4js-in-one-file', 'runtime/kafka/records/lz4\\.ts', 'lz4js'),
    one('platformatic-kafka-in-one-folder', 'runtime/kafka/second/', '@platformatic/kafka'),
    one('registry-in-one-file', 'runtime/registry\\.ts', '@kafkajs/confluent-schema-registry'),
    one('avsc-in-one-file', 'runtime/avro\\.ts', 'avsc'),
    one('duckdb-in-one-file', 'runtime/duckdb\\.ts', '@duckdb/node-api'),
    one('htmlparser2-in-one-file', 'consumers/silver/html\\.ts', 'htmlparser2'),
    one('iso-639-3-in-one-file', 'consumers/silver/language\\.ts', 'iso-639-3'),
    one('saxes-in-one-file', 'producers/sources/goodreads/parse/xml\\.ts', 'saxes'),
    one('cockatiel-in-one-file-a-side', '(producers/sources/http|lake/store/retry)\\.ts', 'cockatiel'),
    one('aws-sdk-in-one-file', 'lake/store/s3-client\\.ts', '@aws-sdk'),
    one('arrow-in-one-file', 'lake/parquet/arrow\\.ts', 'apache-arrow'),
    one('parquet-wasm-in-one-file', 'lake/parquet/wasm\\.ts', 'parquet-wasm'),
    one('helmet-in-one-file', 'api/http/headers\\.ts', 'helmet'),
    one('rate-limit-in-one-file', 'api/http/rate-limit\\.ts', 'express-rate-limit'),
    one('csv-stringify-in-one-file', 'api/http/formats\\.ts', 'csv-stringify'),
    one('zod-openapi-in-one-file', 'api/http/openapi\\.ts', 'zod-openapi'),
    one('pino-in-one-file', 'runtime/log\\.ts', 'pino'),
    one('prom-client-in-one-file', 'runtime/metrics/registry\\.ts', 'prom-client'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^api/web/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
}
