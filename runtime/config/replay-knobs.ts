import { z } from 'zod'
import { aSwitch, text } from './units.ts'

const partitions = text.transform((value, context) => {
  const numbers = value.split(',').map((part) => (/^\d+$/.test(part.trim()) ? Number(part) : Number.NaN))
  if (numbers.every(Number.isSafeInteger)) return numbers
  context.addIssue({ code: 'custom', message: `'${value}' is no partition, nor several with commas between` })
  return z.NEVER
})

/** Knobs of what derives a table again. */
export const replayKnobs = {
  replayFrom: {
    flag: 'from',
    schema: text,
    programs: ['replay', 'reparse'],
    doc: 'where to begin: earliest, an offset (of one --partition), or a time (2026-11-23, 2026-11-23T08:00:00Z; UTC without a zone)',
  },
  replayTo: {
    flag: 'to',
    default: 'latest',
    schema: text,
    programs: ['replay', 'reparse'],
    doc: 'where to end, exclusive, written as --from; latest goes on to wherever the table is by then',
  },
  replayPartitions: {
    flag: 'partition',
    schema: partitions,
    programs: ['replay'],
    doc: 'only these partitions of the topic, with commas between (default: all)',
  },
  isReplayList: {
    flag: 'list',
    schema: aSwitch,
    isSwitch: true,
    programs: ['replay'],
    doc: 'list the replays that are under way or were, and do nothing',
  },
  isReplayBounds: {
    flag: 'bounds',
    schema: aSwitch,
    isSwitch: true,
    programs: ['replay'],
    doc: 'say from where to where each partition of the table can be replayed, and do nothing',
  },
  replayAbort: {
    flag: 'abort',
    schema: text,
    programs: ['replay'],
    doc: 'give up the replay of that id, and what it has staged',
  },
  replayResume: {
    flag: 'resume',
    schema: text,
    programs: ['replay'],
    doc: 'go on with the replay of that id, whatever was asked for then',
  },
} as const
