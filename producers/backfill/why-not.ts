const reasons: Readonly<Record<string, string>> = {
  'goodreads-rss':
    'A feed can not be asked for past days: every poll reads the whole shelf that it shows, back to its first book, so there is nothing to fill.',
  'goodreads-export':
    'A file can not be asked for past days: every poll reads all of it. To have it read again: readflow run poll; what is known already counts as a repeat.',
  dataset:
    'A file can not be asked for past days: every poll reads all of it. To have it read again: readflow run poll; what is known already counts as a repeat.',
  synthetic: 'Made ratings can not be asked for past days: every poll makes all of them.',
}

/** Why a source can not be asked for past days, in one line. */
export const whyNot = (source: string): string => reasons[source] ?? `The source ${source} gives nothing by date.`
