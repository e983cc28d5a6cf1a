import { z } from 'zod'
import { aSwitch } from './units.ts'

const day = z
  .string()
  .refine(
    (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text),
    'is no day: write it as YYYY-MM-DD',
  )

/** Knobs of the commands for the person on call. */
export const operateKnobs = {
  fromDay: {
    flag: 'from',
    schema: day,
    programs: ['backfill'],
    doc: 'first day to ask for, YYYY-MM-DD (UTC)',
  },
  toDay: {
    flag: 'to',
    schema: day,
    programs: ['backfill'],
    doc: 'last day to ask for, which counts too',
  },
  isStatusAsked: {
    flag: 'status',
    schema: aSwitch,
    isSwitch: true,
    programs: ['backfill'],
    doc: 'say how far the newest backfill is, and stop',
  },
  isCancelled: {
    flag: 'cancel',
    schema: aSwitch,
    isSwitch: true,
    programs: ['backfill'],
    doc: 'end the backfill that runs; what it has brought stays',
  },
} as const
