import { z } from 'zod'
import { aSwitch, count, durationMs, sizeBytes } from './units.ts'

/** Of the others an object must be ordered hours before it can be read: a table there would not answer. */
const readableClasses = ['STANDARD', 'STANDARD_IA', 'ONEZONE_IA', 'INTELLIGENT_TIERING', 'GLACIER_IR', 'REDUCED_REDUNDANCY'] as const

/** Knobs of what keeps the tables in order: in the compactor by itself, and by hand. */
export const upkeepKnobs = {
  optimizeIntervalMs: {
    flag: 'optimize-interval',
    env: 'READFLOW_OPTIMIZE_INTERVAL',
    default: '1m',
    schema: durationMs,
    programs: ['up', 'compact'],
    doc: 'time between looks for small files to merge; 0s never',
  },
  targetBytes: {
    flag: 'target-size',
    env: 'READFLOW_TARGET_SIZE',
    default: '32MiB',
    schema: sizeBytes,
    programs: ['up', 'compact', 'optimize', 'doctor'],
    doc: 'size of the files that small ones are merged into; small is less than half of it',
  },
  optimizeMinFiles: {
    flag: 'optimize-min-files',
    env: 'READFLOW_OPTIMIZE_MIN_FILES',
    default: '16',
    schema: count(2, 10_000),
    programs: ['up', 'compact'],
    doc: 'small files of like size that a partition must have before they are merged; 2 where it got none for a day',
  },
  vacuumIntervalMs: {
    flag: 'vacuum-interval',
    env: 'READFLOW_VACUUM_INTERVAL',
    default: '6h',
    schema: durationMs,
    programs: ['up', 'compact'],
    doc: 'time between removals of what no retained version needs, files and log, and moves to the cold folder; first 10m after the start; 0s never',
  },
  retainMs: {
    flag: 'retain',
    env: 'READFLOW_RETAIN',
    schema: durationMs,
    programs: ['up', 'compact', 'vacuum'],
    doc: "how long a table's older versions stay readable (default: its delta.deletedFileRetentionDuration, else 7d)",
  },
  coldAfterMs: {
    flag: 'cold-after',
    env: 'READFLOW_COLD_AFTER',
    schema: durationMs,
    programs: ['up', 'compact'],
    doc: 'age of the days (ingestion_date) of Bronze and Silver whose files go to the cold folder, such as 90d; without it none do',
  },
  coldFolder: {
    flag: 'cold-folder',
    env: 'READFLOW_COLD_FOLDER',
    default: 'cold',
    schema: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, 'is no name of a folder: letters, digits, - and _'),
    programs: ['up', 'compact'],
    doc: "the cold folder in each table's own; it may be a link to another disk, or a mount",
  },
  coldStorageClass: {
    flag: 'cold-storage-class',
    env: 'READFLOW_COLD_STORAGE_CLASS',
    schema: z.enum(readableClasses, {
      error: `storage classes that can be read at once are ${readableClasses.join(', ')}; GLACIER and DEEP_ARCHIVE can not`,
    }),
    programs: ['up', 'compact'],
    doc: 'S3 storage class of what is in the cold folder, such as STANDARD_IA or GLACIER_IR',
  },
  isShortRetentionAllowed: {
    flag: 'allow-short-retention',
    schema: aSwitch,
    isSwitch: true,
    programs: ['vacuum'],
    doc: 'takes a --retain that is shorter than what readers of the table are promised',
  },
  isDryRun: {
    flag: 'dry-run',
    schema: aSwitch,
    isSwitch: true,
    programs: ['vacuum', 'dlq', 'replay', 'reparse'],
    doc: 'say what would be done, and do nothing',
  },
  limit: {
    flag: 'limit',
    default: '20',
    schema: count(),
    programs: ['history', 'stages'],
    doc: 'how many versions, or log lines of a stage, to list, the newest first',
  },
} as const
