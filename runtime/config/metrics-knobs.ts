import { portNumber, text } from './units.ts'

/** Ports of `/metrics` where a person chose none; `serve` has it on the port of the API. */
export const metricsPorts = { up: 8090, poll: 8091, consume: 8092, compact: 8093 } as const
export type MetricsProgram = keyof typeof metricsPorts

const programs = ['up', 'poll', 'consume', 'compact'] as const satisfies readonly MetricsProgram[]
const defaults = programs.map((program) => `${metricsPorts[program]} of ${program}`).join(', ')

/** Knobs of the metrics that programs without an API serve. */
export const metricsKnobs = {
  metricsPort: {
    flag: 'metrics-port',
    env: 'READFLOW_METRICS_PORT',
    schema: portNumber,
    programs,
    doc: `port of /metrics and /healthz (default: ${defaults}); 0 takes a free one. Programs that \`up\` starts keep theirs`,
  },
  metricsHost: {
    flag: 'metrics-host',
    env: 'READFLOW_METRICS_HOST',
    default: '127.0.0.1',
    schema: text,
    programs,
    doc: 'address that they listen on; who reaches it reads them without a key',
  },
} as const
