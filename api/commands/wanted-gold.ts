import { type Published, publishedAsOf, readPublished } from '../../lake/published.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { parseIsoTime } from '../../runtime/iso-time.ts'

/** The published Gold that `--version` or `--as-of` ask for, else the newest. Throws `config` or `lake-not-found` with what to do. */
export const wantedGold = async (
  store: ObjectStore,
  { version, asOf }: { version: number | undefined; asOf: string | undefined },
): Promise<Published> => {
  if (version !== undefined && asOf !== undefined) throw new ReadflowError('config', '--version and --as-of can not be given together.')
  const timeMs = asOf === undefined ? null : parseIsoTime(asOf)
  if (asOf !== undefined && timeMs === null)
    throw new ReadflowError('config', `--as-of ${asOf}: is no time in ISO 8601, such as 2026-11-24T08:00:00Z.`)
  const published =
    timeMs === null ? await readPublished(store, version === undefined ? {} : { version }) : await publishedAsOf(store, timeMs)
  if (published) return published
  const what =
    version === undefined
      ? asOf === undefined
        ? 'No Gold is published yet'
        : `No Gold that is kept is as old as ${asOf}`
      : `Gold version ${version} is not there, or not kept any more`
  throw new ReadflowError('lake-not-found', `${what}, in ${store.url}.`)
}
