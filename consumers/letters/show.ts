import { headerText } from '../../lineage/letters/headers.ts'
import type { LetterReader } from '../../lineage/letters/read.ts'
import { shownCase } from '../../lineage/letters/shown.ts'
import type { LetterCase } from '../../lineage/letters/states.ts'
import { keyText, lineText } from '../../runtime/line-text.ts'
import type { Registry } from '../../runtime/registry.ts'
import { silverDecoder } from '../silver/silver.ts'
import { recordsOf } from './records.ts'
import type { Verdict } from './rehearse.ts'
import { type Skip, skipText } from './select.ts'

/** A letter with its bytes: decoded as they were written, where that can be done, and raw. */
export const showLetter = async (
  { reader, registry }: { reader: LetterReader; registry: Registry },
  of: LetterCase,
  { skip, verdict }: { skip: Skip | null; verdict: Verdict | null },
) => {
  const [record] = await recordsOf(reader, of.entity, [of])
  const { key = null, value = null, headers = [] } = record ?? {}
  const decoder = silverDecoder(of.entity, registry)
  if (value) await decoder.prepare(value)
  const named = headers.map(([name, bytes]) => [name?.toString('utf8') ?? '', bytes] as const)
  return {
    ...shownCase(of),
    lies_at: of.letter.at,
    headers: Object.fromEntries(named.map(([name]) => [name, headerText(named, name) ?? ''])),
    value: value && decoder.decodeAsWritten(value),
    raw: value?.toString('base64') ?? null,
    raw_key: key?.toString('base64') ?? null,
    redrive: skip ? { possible: false as const, because: skipText[skip] } : { possible: true as const, would_be: verdict },
  }
}

export type ShownLetter = Awaited<ReturnType<typeof showLetter>>

const MAX_RAW = 400
const line = (name: string, text: string) => `  ${name.padEnd(10)}${text}`

/** A letter for people. Pure. */
export const showText = (of: ShownLetter): string => {
  const { would_be: verdict } = of.redrive.possible ? of.redrive : { would_be: null }
  const redrive = of.redrive.possible
    ? `would be ${verdict?.state}${verdict?.message ? `: ${verdict.message}` : ''}`
    : `not possible: it is ${of.redrive.because}`
  return [
    of.letter,
    line('state', `${of.state}, attempt ${of.attempt}`),
    line('reason', `${of.reason}: ${of.message ?? ''}`),
    line(
      'record',
      `${of.topic} partition ${of.partition} offset ${of.offset}, arrived ${of.arrived_at ?? 'at a time that it does not say'}`,
    ),
    line('refused', of.refused_at ?? '–'),
    line('key', keyText(of.key, of.raw_key === null ? 'none' : `base64 ${of.raw_key}`)),
    ...of.attempts.map(({ attempt, at, by, refused_before_by, sent_to, outcome }) =>
      line(
        `attempt ${attempt}`,
        `${at} by ${by}, after ${refused_before_by}: sent to ${sent_to}, ${outcome ? `${outcome.state}${outcome.message ? ` (${outcome.message})` : ''}` : 'not judged yet'}`,
      ),
    ),
    ...(of.discarded ? [line('discarded', `${of.discarded.at} by ${of.discarded.by}: ${of.discarded.why}`)] : []),
    line('redrive', redrive),
    line('value', of.value === null ? 'can not be decoded, or there is none' : jsonText(of.value)),
    line(
      'raw',
      of.raw === null
        ? 'none'
        : `base64 ${of.raw.slice(0, MAX_RAW)}${of.raw.length > MAX_RAW ? `… (${of.size_bytes} bytes; --json has all)` : ''}`,
    ),
    ...Object.entries(of.headers).map(([name, value]) => line('header', `${name}: ${value}`)),
    '',
  ]
    .map(lineText)
    .join('\n')
}

/** JSON of a value as Avro has it: whole numbers of any size, bytes in base64. */
export const jsonText = (value: unknown): string =>
  JSON.stringify(value, (_, each) => {
    if (typeof each === 'bigint') return String(each)
    // A Buffer has become an object of its bytes by then.
    return each?.type === 'Buffer' && Array.isArray(each.data) ? Buffer.from(each.data).toString('base64') : each
  })
