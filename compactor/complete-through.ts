import type { Published } from '../lake/published.ts'
import { entityNames } from '../schemas/catalogue.ts'
import type { EntityName } from '../schemas/records.ts'
import { completeThroughMs } from '../schemas/through.ts'

/**
 * Up to when a Gold made of some Silver versions is complete: of each entity what its table says, of Gold the least of
 * these, null where one is not known. Never later than its publication, whatever a broker's clock says.
 */
export const completeThrough = (
  silver: Readonly<Record<EntityName, { txns: ReadonlyMap<string, number> }>>,
  publishedMs: number,
): Pick<Published, 'completeThrough' | 'completeThroughByEntity'> => {
  const times = entityNames.map((entity) => {
    const throughMs = completeThroughMs(silver[entity].txns, 'silver')
    return [entity, throughMs === null ? null : Math.min(throughMs, publishedMs)] as const
  })
  const known = times.flatMap(([, throughMs]) => throughMs ?? [])
  return {
    completeThrough: known.length === times.length ? iso(Math.min(...known)) : null,
    completeThroughByEntity: Object.fromEntries(times.map(([entity, throughMs]) => [entity, throughMs === null ? null : iso(throughMs)])),
  }
}

const iso = (epochMs: number) => new Date(epochMs).toISOString()
