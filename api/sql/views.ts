import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { entityNames, topicNames } from '../../schemas/catalogue.ts'
import { systemTables } from '../../schemas/system-tables.ts'
import { goldTables } from '../gold/names.ts'

/** A table of the SQL that people ask, by its name in the design: where its rows are, and how it is made of them. */
export interface SqlTable {
  name: string
  /** Root of the Delta table; null for what is not in the lake. */
  root: string | null
  layer: 'bronze' | 'silver' | 'gold' | 'ops' | 'kafka'
  what: string
  /** From the SQL of all of its rows to that of the view. */
  view: (rows: string) => string
  /** Whether a row of the view is a row of the table, whatever the other rows are: then files may be passed over. */
  isRowwise: boolean
}

const same = (rows: string) => rows
const newestOf = (key: string, order: string) => (rows: string) =>
  `SELECT * FROM (${rows}) QUALIFY row_number() OVER (PARTITION BY ${key} ORDER BY ${order}) = 1`

/** Every table there may be, in the order of the flow. */
export const sqlTables: readonly SqlTable[] = [
  ...topicNames.map(
    (name): SqlTable => ({
      name: `bronze_${name}`,
      root: `bronze/${name}`,
      layer: 'bronze',
      what: `every record of goodreads.${name} as it came`,
      view: same,
      isRowwise: true,
    }),
  ),
  ...entityNames.flatMap((name): SqlTable[] => [
    {
      name: `silver_${name}`,
      root: `silver/${name}`,
      layer: 'silver',
      what: `${name} as they are now: the newest version of each key, deleted ones left out`,
      view: (rows) => `SELECT * FROM (${newestOf('_key', '_order DESC, _hash DESC')(rows)}) WHERE NOT _deleted`,
      isRowwise: false,
    },
    {
      name: `silver_${name}_history`,
      root: `silver/${name}`,
      layer: 'silver',
      what: `every accepted change of ${name}`,
      view: same,
      isRowwise: true,
    },
  ]),
  ...Object.entries(goldTables).map(
    ([name, what]): SqlTable => ({
      name: `gold_${name}`,
      root: `gold/${name}`,
      layer: 'gold',
      what,
      view: same,
      isRowwise: true,
    }),
  ),
  {
    name: 'runs',
    root: 'ops/runs',
    layer: 'ops',
    what: 'polls, builds, optimizes, vacuums and replays, a row each',
    view: newestOf('run_id', "state = 'started', state = 'aborted', recorded_at DESC"),
    isRowwise: false,
  },
  { name: 'checks', root: 'ops/checks', layer: 'ops', what: 'what the checks of each build found', view: same, isRowwise: true },
  ...Object.keys(systemTables).map(
    (name): SqlTable => ({
      name: `ops_${name}`,
      root: `ops/${name}`,
      layer: 'ops',
      what: `ops/${name} as it is`,
      view: same,
      isRowwise: true,
    }),
  ),
  {
    name: 'dead_letters',
    root: null,
    layer: 'kafka',
    what: 'the newest records that Silver refused, from their topics, with the reason',
    view: same,
    isRowwise: true,
  },
]

/** A table at the version that a query reads. */
export interface PinnedTable {
  table: SqlTable
  snapshot: Snapshot
}
