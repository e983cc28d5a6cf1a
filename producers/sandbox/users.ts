import { randomOf, stream } from './random.ts'
import { languages, peopleOf, readerPlaces } from './words/names.ts'

export interface SandboxUser {
  index: number
  name: string
  location: string
}

/** The reader with this index, always the same for the same seed. */
export const userAt = (seed: number, index: number): SandboxUser => {
  const random = randomOf(seed, stream.users, index)
  const people = peopleOf[random.chance(0.6) ? 'eng' : random.pick(languages)]
  const given = random.pick(people[random.chance(0.65) ? 'female' : 'male'])
  const style = random.next()
  const name =
    style < 0.5 ? given : style < 0.85 ? `${given} ${random.pick(people.surnames)}` : `${given} ${random.pick(people.surnames)[0]}.`
  return { index, name, location: random.chance(0.2) ? '' : random.pick(readerPlaces) }
}
