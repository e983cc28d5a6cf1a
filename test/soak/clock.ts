import { existsSync, globSync, writeFileSync } from 'node:fs'

const places = ['/usr/lib/*/faketime/libfaketimeMT.so.1', '/usr/local/lib/faketime/libfaketimeMT.so.1']
export const faketimeInstall = 'apt install faketime'

export const findFaketime = (): string | null => places.flatMap((place) => globSync(place)).find((file) => existsSync(file)) ?? null

export interface Clock {
  /** For a program whose clock this is to be. */
  env: NodeJS.ProcessEnv
  skew: (byMs: number) => void
}

/** A clock for programs: they look at this file once a second for how far it is off. Timers and durations stay right. */
export const openClock = (library: string, file: string): Clock => {
  const skew = (byMs: number) => writeFileSync(file, `${byMs < 0 ? '-' : '+'}${Math.round(Math.abs(byMs) / 1000)}`)
  skew(0)
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DISABLE_SHM: '1',
    },
    skew,
  }
}
