import { engineVersion } from '../../lake/engine.ts'
import type { Dataset, Run, RunState } from './run.ts'

/*
 * OpenLineage (https://openlineage.io/spec/2-0-2/OpenLineage.json): the form in which catalogues take in what jobs did.
 */
const SPEC = 'https://openlineage.io/spec'
const PRODUCER = `https://www.npmjs.com/package/readflow/v/${engineVersion}`
/** Namespace of our jobs, and of tables by the names that people know them by. */
const NAMESPACE = 'readflow'

/** Where tables and topics are, for the names that other tools know them by. */
export interface Places {
  lakeUrl: string
  brokers: readonly string[]
}

/** OpenLineage knows no run that ended well and published nothing: a held one has failed, and its message says why. */
const eventTypes = { started: 'START', completed: 'COMPLETE', failed: 'FAIL', held: 'FAIL', aborted: 'ABORT' } as const satisfies Record<
  RunState,
  string
>

const facet = <V extends object>(name: string, version: string, values: V) => ({
  _producer: PRODUCER,
  _schemaURL: `${SPEC}/facets/${version}/${name}.json#/$defs/${name}`,
  ...values,
})

/** The event of a run in one state. Pure: the same row gives the same event, whenever it is published. */
export const openLineageEvent = (run: Run, places: Places) => ({
  eventType: eventTypes[run.state],
  eventTime: new Date(run.state === 'started' ? run.startedMs : (run.endedMs ?? run.recordedMs)).toISOString(),
  run: {
    runId: run.runId,
    facets: {
      // Our own: what the standard has no place for.
      readflow_run: {
        _producer: PRODUCER,
        _schemaURL: `${SPEC}/2-0-2/OpenLineage.json#/$defs/RunFacet`,
        state: run.state,
        program: run.program,
        attempt: run.attempt,
        durationMs: run.endedMs === null ? 0 : run.endedMs - run.startedMs,
        counts: run.counts,
      },
      ...(run.error === null
        ? {}
        : { errorMessage: facet('ErrorMessageRunFacet', '1-0-1', { message: run.error, programmingLanguage: 'TypeScript' }) }),
      ...(run.parentRunId === null
        ? {}
        : {
            // A run comes out of one of the same job, as a released build does out of the one that was held.
            parent: facet('ParentRunFacet', '1-2-0', {
              run: { runId: run.parentRunId, facets: {} },
              job: { namespace: NAMESPACE, name: run.job, facets: {} },
            }),
          }),
    },
  },
  job: {
    namespace: NAMESPACE,
    name: run.job,
    facets: {
      jobType: facet('JobTypeJobFacet', '2-0-4', { processingType: 'BATCH', integration: 'READFLOW', jobType: run.kind.toUpperCase() }),
    },
  },
  inputs: run.inputs.map((dataset) => ({
    ...datasetOf(dataset, places),
    inputFacets:
      dataset.rows === undefined ? {} : { inputStatistics: facet('InputStatisticsInputDatasetFacet', '1-0-0', { rowCount: dataset.rows }) },
  })),
  outputs: run.outputs.map((dataset) => ({
    ...datasetOf(dataset, places),
    outputFacets:
      dataset.rows === undefined
        ? {}
        : { outputStatistics: facet('OutputStatisticsOutputDatasetFacet', '1-0-2', { rowCount: dataset.rows }) },
  })),
  producer: PRODUCER,
  schemaURL: `${SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent`,
})

export type OpenLineageEvent = ReturnType<typeof openLineageEvent>

const datasetOf = (dataset: Dataset, places: Places) => ({
  ...nameOf(dataset, places),
  facets: {
    ...(dataset.version === undefined
      ? {}
      : { version: facet('DatasetVersionDatasetFacet', '1-0-1', { datasetVersion: String(dataset.version) }) }),
    ...(dataset.type === 'table'
      ? {
          symlinks: facet('SymlinksDatasetFacet', '1-0-1', {
            identifiers: [{ namespace: NAMESPACE, name: dataset.name, type: 'TABLE' }],
          }),
        }
      : {}),
  },
})

/** By OpenLineage's naming conventions: files by their storage and path, topics by their cluster. */
const nameOf = ({ type, name }: Dataset, { lakeUrl, brokers }: Places): { namespace: string; name: string } => {
  if (type === 'topic') return { namespace: `kafka://${brokers[0] ?? 'unknown'}`, name }
  if (type === 'source') return { namespace: NAMESPACE, name: `source.${name}` }
  const root = name.replace('.', '/')
  const s3 = /^s3:\/\/([^/?]+)\/?([^?]*)/.exec(lakeUrl)
  if (s3) return { namespace: `s3://${s3[1]}`, name: [s3[2]?.replace(/\/$/, ''), root].filter(Boolean).join('/') }
  return { namespace: 'file', name: `${lakeUrl.replace(/^file:(\/\/)?/, '').replace(/\/$/, '')}/${root}` }
}
