import { statfs } from 'node:fs/promises'
import type { MetricsRegistry } from '../../runtime/metrics/registry.ts'

/** The disk that the data folder is on; no series while nobody can tell. */
export const measureDisk = (metrics: MetricsRegistry, dataDir: string) => {
  const look = async (bytesOf: (disk: { bsize: number; bavail: number; blocks: number }) => number) => {
    const disk = await statfs(dataDir).catch(() => null)
    return disk === null ? [] : [{ labels: {}, value: bytesOf(disk) }]
  }
  metrics.readGauge({
    name: 'readflow_disk_free_bytes',
    help: 'Bytes that are free on the disk of the data folder.',
    read: () => look(({ bavail, bsize }) => bavail * bsize),
  })
  metrics.readGauge({
    name: 'readflow_disk_size_bytes',
    help: 'Bytes that the disk of the data folder has.',
    read: () => look(({ blocks, bsize }) => blocks * bsize),
  })
}
