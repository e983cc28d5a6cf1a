import type { Language } from './names.ts'
import { lines } from './split.ts'

/** Openings of English descriptions; {hero}, {town} and {title} are filled in. */
export const blurbOpenings = lines(`
  When {hero} returns to {town}, nothing is as it was left.
  {hero} has one rule: never open the door after dark.
  In {town}, everybody knows the story. Nobody tells the end of it.
  It begins with a letter that was posted forty years ago.
  For {hero}, the past was supposed to be over.
  “A triumph of quiet suspense.” — <i>The {town} Review</i>
  <b>The book that a whole town tried to forget.</b>
  Nobody warned {hero} about the sea.`)

export const blurbMiddles = lines(`
  Torn between duty & desire, {hero} must choose before the tide turns.
  What follows is a search through archives, attics and half-truths that leads from {town} to the edge of the map.
  Drawing on twenty years of research, <i>{title}</i> shows how small decisions make large histories.
  As winter closes in, old loyalties break and a stranger with < no name > asks for shelter.
  Funny, sharp and tender by turns, this is a story about what we owe each other.
  But someone else is looking for the same thing, and has fewer scruples.`)

export const blurbClosings = lines(`
  <br /><br />Perfect for readers who like their endings earned.
  <br /><br /><b>Winner of the Lantern Prize.</b>
  An unforgettable debut.
  <br />Includes a new afterword by the author.
  You will not see the last page coming.
  <p>With maps, notes &amp; an index.</p>`)

/** Descriptions in other languages; {title} is filled in. */
export const otherBlurbs: Record<Exclude<Language, 'eng'>, readonly string[]> = {
  spa: lines(
    `Una familia, un secreto y una casa frente al mar. <i>{title}</i> es una novela sobre lo que callamos.\nTras años de ausencia, la protagonista vuelve a su pueblo & descubre que nada ha cambiado.`,
  ),
  fre: lines(
    `Un été, une île, un silence. <i>{title}</i> raconte ce que les familles ne disent jamais.\nQuand la lettre arrive enfin, il est trop tard pour répondre.<br />Un roman bouleversant.`,
  ),
  ger: lines(
    `Ein altes Haus, ein verschwundener Brief. <i>{title}</i> erzählt von Schuld und Versöhnung.\nAls der Winter kommt, kehrt sie zurück – und findet alles verändert.`,
  ),
  ita: lines(
    `Un segreto di famiglia lungo cinquant'anni.<br /><i>{title}</i> è un romanzo sulla memoria.\nTornare a casa non è mai stato così difficile.`,
  ),
  por: lines(`Uma casa, uma carta & um segredo guardado durante décadas.\n<i>{title}</i> é um romance sobre a distância e o regresso.`),
  jpn: lines(`静かな町に届いた一通の手紙。<br />『{title}』は記憶と再会の物語。\n誰も知らない夏の日の出来事を描く長編小説。`),
  pol: lines(
    `Stary dom, zaginiony list i tajemnica sprzed lat. <i>{title}</i> to powieść o pamięci.\nPo latach nieobecności wraca do miasta, w którym nic się nie zmieniło.`,
  ),
}

/** Sentences of reviews, from 1 to 5 stars; {title}, {author} and {hero} are filled in. */
export const opinions: readonly (readonly string[])[] = [
  lines(
    `I wanted to like this. I did not.\nGave up at 40%.\nThe plot makes no sense & the dialogue is worse.\nWho edited this???\nNot for me, sorry.`,
  ),
  lines(
    `A promising start that goes nowhere.\nToo long by a third.\nI kept waiting for something to happen.\n{author} has written better books.\nThe ending felt rushed.`,
  ),
  lines(
    `It was fine.\nSome lovely passages, some dull ones.\nGood for a train journey.\nI liked {hero}, the rest less so.\nSolid, if a little predictable.`,
  ),
  lines(
    `Really enjoyed this one!\nThe middle drags a bit, but the last hundred pages fly.\n<i>{title}</i> surprised me.\nBeautifully written & full of heart.\nI would read more by {author}.`,
  ),
  lines(
    `I could not put it down.\nOne of my favourites of the year.\n<b>Read it.</b>\n<i>{title}</i> broke my heart and mended it again.\n{author} is a genius.\nFive stars are not enough <3`,
  ),
]

/** Sentences that fit any review. */
export const remarks = lines(`
  Read for my book club.
  The characters stay with you.
  I listened to the audiobook, which is wonderful.
  My sister lent me her copy.
  The world-building is rich, the pace is slow.
  <blockquote>“We are what we keep.”</blockquote>
  Picked it up because of the cover.
  The chapters on the sea are the best.
  Second time reading, and it holds up.
  Trigger warnings: grief, war.
  The translation reads well.
  See also <a href="https://example.org/reading-notes">my notes</a>.`)

/** Remarks that readers add when they come back to a review. */
export const afterthoughts = lines(`
  Edit: on reflection I was too harsh.
  Edit: reread it, and liked it more.
  Update: the sequel answers my questions.
  Edit: fixed a spoiler, sorry!
  Update: still thinking about it weeks later.`)

export const biographies = lines(`
  {name} was born in {town} and has written since the age of nine.
  After years as a teacher in {town}, {name} turned to writing full time.<br /><br />Lives with two cats &amp; too many books.
  {name} studied history and now lives near {town}.
  The author of several novels, {name} has been translated into a dozen languages.`)
