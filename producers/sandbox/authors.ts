import { type FaultKind, faultOf } from './faults.ts'
import { cumulative, drawFrom, randomOf, stream } from './random.ts'
import { type Genre, genres, genreWeights, seriesGenres } from './words/genres.ts'
import { type Language, languages, languageWeights, peopleOf } from './words/names.ts'
import { biographies } from './words/prose.ts'
import { seriesPatterns } from './words/titles.ts'

/** What all generated things depend on: `seed`, and the year that the sandbox began in. */
export interface World {
  seed: number
  startMs: number
  startYear: number
}

export interface SandboxAuthor {
  index: number
  name: string
  gender: 'female' | 'male'
  language: Language
  genre: Genre
  hometown: string | null
  /** `YYYY/MM/DD`, as GoodReads writes it. */
  bornAt: string | null
  diedAt: string | null
  about: string
  fansCount: number
  /** GoodReads user of an author who is a member. */
  userId: number | null
  /** Year of the first book. */
  activeFromYear: number
  /** Name of the series that all of the author's books belong to. */
  seriesName: string | null
  fault: FaultKind<'authors'> | null
}

const languageSums = cumulative(languageWeights)
export const genreSums = cumulative(genreWeights)

const activeYear = (genre: Genre, share: number, startYear: number) => {
  if (genre === 'classics') return 1605 + Math.floor(335 * share)
  if (genre === 'poetry') return 1850 + Math.floor((startYear - 1855) * share)
  return startYear - 2 - Math.floor(55 * (1 - share) ** 1.7)
}

const two = (value: number) => String(value).padStart(2, '0')

/** The author with this index, always the same for the same world. */
export const authorAt = ({ seed, startYear }: World, index: number): SandboxAuthor => {
  const random = randomOf(seed, stream.authors, index)
  const language = languages[drawFrom(languageSums, random.next())]!
  const genre = genres[drawFrom(genreSums, random.next())]!
  const people = peopleOf[language]
  const gender = random.chance(0.53) ? 'female' : 'male'
  const surname = random.pick(people.surnames)
  const middle = language === 'eng' && random.chance(0.3) ? ` ${'ABCDEFGHJKLMPRSTW'[random.below(17)]}.` : ''
  const name = `${random.pick(people[gender])}${middle} ${surname}`
  const activeFromYear = activeYear(genre, random.next(), startYear)
  const bornYear = activeFromYear - 22 - random.below(24)
  const diedYear = bornYear + 52 + random.below(38)
  const date = (year: number) => `${year}/${two(1 + random.below(12))}/${two(1 + random.below(28))}`
  const bornAt = date(bornYear)
  const diedAt = date(diedYear)
  const hasBirth = random.chance(0.7)
  const town = random.pick(people.towns)
  const hasAbout = random.chance(0.75)
  const seriesName = random.pick(seriesPatterns).replace('{name}', random.pick(people.surnames))
  const isMember = activeFromYear > 1990 && random.chance(0.4)
  return {
    index,
    name,
    gender,
    language,
    genre,
    hometown: random.chance(0.7) ? town : null,
    bornAt: hasBirth ? bornAt : null,
    diedAt: hasBirth && diedYear < startYear - 1 ? diedAt : null,
    about: hasAbout ? random.pick(biographies).replaceAll('{name}', name).replaceAll('{town}', town) : '',
    fansCount: Math.floor(4000 * random.next() ** 6),
    userId: isMember ? 2_000_000 + index * 29 : null,
    activeFromYear,
    seriesName: seriesGenres.includes(genre) && random.chance(0.35) ? seriesName : null,
    fault: faultOf(seed, 'authors', index),
  }
}
