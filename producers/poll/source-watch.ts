import type { ObjectStore } from '../../lake/store/store.ts'
import type { DriftPolicies } from '../../lineage/drift/drift.ts'
import type { Drifts } from '../../lineage/drift/open.ts'
import { errorLine } from '../../runtime/errors.ts'
import type { Log } from '../../runtime/log.ts'
import type { Source } from '../sources/source.ts'
import { openFieldStates } from './field-state.ts'
import { createFieldWatch, type FieldWatch } from './field-watch.ts'

export interface SourceWatch extends Pick<FieldWatch, 'take'> {
  beginPoll: (about: Parameters<FieldWatch['beginPoll']>[0]) => Promise<void>
  /** The poll is whole. Never rejects: what could not be kept is found again. */
  endPoll: () => Promise<void>
}

export interface SourceWatchOptions {
  source: Source
  store: ObjectStore
  drifts: Pick<Drifts, 'record' | 'settled' | 'read'>
  policies: DriftPolicies
  log: Log
}

/**
 * The watch over a source's fields, with what is known of them kept in the lake. It is kept after the findings are on
 * record: a poller that dies in between finds them again, and they are there already.
 */
export const openSourceWatch = ({ source, store, drifts, policies, log }: SourceWatchOptions): SourceWatch => {
  const states = openFieldStates(store, source.id)
  let watch: FieldWatch | null = null
  const load = async () => {
    const known = (await drifts.read()).filter((drift) => drift.place === 'source' && drift.source === source.name)
    return createFieldWatch({ source, state: await states.load(), known, policies, found: drifts.record })
  }
  return {
    beginPoll: async (about) => {
      watch ??= await load()
      watch.beginPoll(about)
    },
    take: (record) => watch?.take(record) ?? { record, drifted: [] },
    endPoll: async () => {
      if (!watch?.endPoll()) return
      try {
        if (await drifts.settled()) await states.save(watch.state())
      } catch (error) {
        log.warn({ error: errorLine(error) }, 'what is known of the fields of the source could not be kept; the next poll tries again')
      }
    },
  }
}
