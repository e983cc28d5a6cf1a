import type { MetricsRegistry } from '../../runtime/metrics/registry.ts'
import { entityNames } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'

/** The metrics of the Gold that answers come from. */
export const createGoldMetrics = (metrics: MetricsRegistry) => {
  const cache = metrics.counter({
    name: 'readflow_api_cache_requests_total',
    help: 'Answers over Gold that were asked for, by whether they had been made for this version.',
    labels: { outcome: ['hit', 'miss'] },
  })
  const freshness = metrics.histogram({
    name: 'readflow_freshness_seconds',
    help: 'Published to queryable: from the arrival in Kafka of the oldest record of a Silver commit to the answers that have it.',
    labels: { entity: entityNames },
    buckets: [1, 2.5, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 21_600, 86_400],
  })
  return {
    answered: (isHit: boolean) => cache.add({ outcome: isHit ? 'hit' : 'miss' }),
    fresh: (entity: EntityName, seconds: number) => freshness.observe({ entity }, seconds),
  }
}
