import { aSwitch, count, durationMs, sizeBytes } from './units.ts'

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
    programs: ['up', 'compact', 'optimize'],
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
    doc: 'time between removals of what no retained version needs, files and log; the first comes 10m after the start; 0s never',
  },
  retainMs: {
    flag: 'retain',
    env: 'READFLOW_RETAIN',
    schema: durationMs,
    programs: ['up', 'compact', 'vacuum'],
    doc: "how long a table's older versions stay readable (default: its delta.deletedFileRetentionDuration, else 7d)",
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
    programs: ['vacuum'],
    doc: 'say what would be done, and do nothing',
  },
  limit: {
    flag: 'limit',
    default: '20',
    schema: count(),
    programs: ['history'],
    doc: 'how many versions to list, newest first',
  },
} as const
