import { iso6393, iso6393To1, iso6393To2B } from 'iso-639-3'

/** Every code of the older standards, to ISO 639-3; the only file that imports iso-639-3. */
const toIso6393 = new Map<string, string>([
  ...iso6393.map(({ iso6393: code }): [string, string] => [code, code]),
  ...Object.entries(iso6393To2B).map(([code, bibliographic]): [string, string] => [bibliographic as string, code]),
  ...Object.entries(iso6393To1).map(([code, short]): [string, string] => [short as string, code]),
])

/**
 * A language code in one standard, ISO 639-3: `en`, `en-US` and `eng` give `eng`, `fre` gives `fra`.
 * Null where it names no language.
 */
export const languageCode = (text: string): string | null => toIso6393.get(text.trim().toLowerCase().split(/[-_]/)[0] ?? '') ?? null
