import type { MetricsRegistry } from '../../runtime/metrics/registry.ts'
import { checkRegistry } from '../../runtime/registry.ts'

const WITHIN_MS = 2000

/** Whether the schema registry answers, asked when somebody asks. Nothing where none is known. */
export const measureRegistry = (metrics: MetricsRegistry, url: () => string | null): void =>
  metrics.readGauge({
    name: 'readflow_registry_up',
    help: '1 while the schema registry answers, else 0.',
    read: async () => {
      const at = url()
      if (at === null) return []
      const isUp = await checkRegistry(at, WITHIN_MS).then(
        () => true,
        () => false,
      )
      return [{ labels: {}, value: isUp ? 1 : 0 }]
    },
  })
