import { parseIsoTime } from '../../runtime/iso-time.ts'
import type { GoldReader } from '../gold/reader.ts'
import type { GateReader } from '../pipeline/gate.ts'
import { noGoldYet } from './no-gold.ts'
import { Problem } from './problem.ts'

type Parts = { gold: Pick<GoldReader, 'current' | 'versionAt' | 'list'>; gate: Pick<GateReader, 'held'> }

/**
 * The Gold version that `version`, `as_of` or a cursor ask for; undefined is the newest. Throws a 400 for what is no version
 * or time, or for two that differ, a 404 for one that is not there yet, a 410 for a time before all that is kept, a 503 for either
 * where no Gold is published yet.
 */
export const wantedVersion = async (
  { version, as_of: asOf }: { version?: unknown; as_of?: unknown },
  paged: number | undefined,
  parts: Parts,
): Promise<number | undefined> => {
  if (version !== undefined && asOf !== undefined) throw fault('as_of', 'can not be given together with version')
  const asked =
    version !== undefined ? await byNumber(String(version), parts) : asOf !== undefined ? await byTime(String(asOf), parts) : undefined
  if (asked !== undefined && paged !== undefined && asked !== paged) {
    throw fault('cursor', `pages through Gold version ${paged}, and version or as_of ask for ${asked}`)
  }
  return asked ?? paged
}

const byNumber = async (text: string, { gold, gate }: Parts): Promise<number> => {
  if (!/^\d{1,15}$/.test(text)) throw fault('version', 'must be a whole number, as /v1/versions lists them')
  // What is not beyond the version that answers needs no look at the lake.
  if (Number(text) <= (gold.current()?.version ?? -1)) return Number(text)
  const [newest] = await gold.list({ limit: 1 })
  if (!newest) throw noGoldYet(gate.held())
  if (Number(text) > newest.version) {
    throw new Problem(404, `There is no Gold version ${text} yet: the newest is ${newest.version}. /v1/versions lists what is kept.`)
  }
  return Number(text)
}

const byTime = async (text: string, { gold, gate }: Parts): Promise<number> => {
  // Where a plus sign was not encoded it comes as a space.
  const timeMs = parseIsoTime(text.replace(/(?<=:\d{2}(?:\.\d+)?) (?=\d{2}:?\d{2}$)/, '+'))
  if (timeMs === null) throw fault('as_of', 'must be a time in ISO 8601, such as 2026-11-24T08:00:00Z')
  const found = await gold.versionAt(timeMs)
  if (found !== null) return found
  if ((await gold.list({ limit: 1 })).length === 0) throw noGoldYet(gate.held())
  throw new Problem(410, `No Gold that is kept is as old as ${new Date(timeMs).toISOString()}. /v1/versions lists what is kept.`)
}

const fault = (parameter: string, detail: string) => new Problem(400, `${parameter} ${detail}.`, { faults: [{ parameter, detail }] })

/** The refusal of a version that is not kept any more. */
export const goneVersion = (version: number) =>
  new Problem(
    410,
    `Gold version ${version} is not kept any more. Leave version, as_of and cursor out to begin again with the newest; /v1/versions lists what is kept.`,
  )
