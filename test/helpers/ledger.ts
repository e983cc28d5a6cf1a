import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'

export interface PartitionLedger {
  partition: number
  topicId: string
  progress: number
  /** `epoch`, `rows`, `valid`, …: as in the table, absent where the table has none. */
  counters: Record<string, number>
}

/** What a table says of the Kafka partitions in it, its named gaps, and its replays, newest first. */
export const readTableLedger = async (lakeUrl: string, root: string) => {
  const store = openStore(lakeUrl)
  try {
    const table = openTable(store, root)
    const { txns, metadata } = await table.snapshot()
    const partitions = new Map<number, PartitionLedger>()
    for (const [appId, version] of [...txns].sort(([a], [b]) => a.length - b.length)) {
      const [, , topicId = '', partition, counter] = appId.split('/')
      if (partition === 'partitions') continue
      const known = partitions.get(Number(partition)) ?? { partition: Number(partition), topicId, progress: 0, counters: {} }
      if (counter === undefined) known.progress = version
      else known.counters[counter] = version
      partitions.set(Number(partition), known)
    }
    const gaps = Object.entries(metadata?.configuration ?? {})
      .filter(([name]) => name.startsWith('readflow.gap.'))
      .map(([name, text]) => {
        const [partition, from] = name.split('.').slice(-2).map(Number)
        const { to, reason } = JSON.parse(text) as { to: number; reason: string }
        return { partition, from, to, reason }
      })
    const replays = (await table.history())
      .filter(({ operation }) => operation === 'REPLAY')
      .map(({ commitInfo }) => JSON.parse(String(commitInfo?.operationParameters?.['ranges'])) as object[])
    return { partitions: [...partitions.values()].sort((a, b) => a.partition - b.partition), gaps, replays }
  } finally {
    await store.close()
  }
}
