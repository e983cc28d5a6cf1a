import type { MetricsRegistry } from '../../runtime/metrics/registry.ts'
import type { UpStatus } from '../../runtime/up-status.ts'

/** What `up` knows of what it runs, read when somebody asks. Returns whom to tell of a service that is started again. */
export const measureUp = (metrics: MetricsRegistry, current: () => Pick<UpStatus, 'programs' | 'stages'>) => {
  const ofPrograms = (value: (program: UpStatus['programs'][number]) => number) => () =>
    current().programs.map((program) => ({ labels: { name: program.name }, value: value(program) }))
  metrics.readGauge({
    name: 'readflow_program_running',
    help: '1 while a program runs, else 0.',
    labels: { name: 'open' },
    read: ofPrograms(({ state }) => (state === 'running' ? 1 : 0)),
  })
  metrics.readCounter({
    name: 'readflow_program_restarts_total',
    help: 'Times that a program ended and was started again.',
    labels: { name: 'open' },
    read: ofPrograms(({ restarts }) => restarts),
  })
  metrics.readGauge({
    name: 'readflow_program_warning',
    help: '1 while a program says that a person must look, else 0.',
    labels: { name: 'open' },
    read: ofPrograms(({ warning }) => (warning === null ? 0 : 1)),
  })
  metrics.readGauge({
    name: 'readflow_stage_paused',
    help: '1 while a stage is paused by a person, or about to be, else 0.',
    labels: { stage: 'open' },
    read: () =>
      current().stages.map(({ name, state }) => ({ labels: { stage: name }, value: state === 'paused' || state === 'pausing' ? 1 : 0 })),
  })
  const services = metrics.counter({
    name: 'readflow_service_restarts_total',
    help: 'Times that the local broker, registry or MinIO ended and was started again.',
    labels: { name: ['kafka', 'registry', 'minio'] },
  })
  return { serviceRestarted: (name: 'kafka' | 'registry' | 'minio') => services.add({ name }) }
}
