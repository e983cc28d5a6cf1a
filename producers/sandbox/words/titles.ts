import type { Genre } from './genres.ts'
import type { Language } from './names.ts'
import { lines, words } from './split.ts'

/** A grammar: patterns with {slots}, and what fills each slot. */
export interface Grammar {
  patterns: readonly string[]
  slots: Record<string, readonly string[]>
}

const grammar = (patterns: string, slots: Record<string, string>): Grammar => ({
  patterns: lines(patterns),
  slots: Object.fromEntries(Object.entries(slots).map(([slot, text]) => [slot, words(text)])),
})

/** English titles by genre. */
export const englishTitles: Record<Genre, Grammar> = {
  fantasy: grammar(`The {n} of {p}\n{n} and {m}\nThe {a} {n}\nA {n} of {m}\nThe Last {n} of {p}`, {
    a: 'Hollow, Gilded, Sunken, Ashen, Nameless, Winter, Iron, Wandering, Thorned, Silent',
    n: 'Crown, Sword, Oath, Tower, Dragon, Throne, Witch, Gate, Raven, Moon, Warden, Flame, Court, Pact',
    m: 'Ash, Salt, Thorns, Starlight, Bone, Embers, Ruin, Frost, Mercy, Glass',
    p: 'Eldermoor, Vath, the Drowned Isles, Karrowen, Nine Rivers, Ysmere, the Long Dark, Orrin',
  }),
  'science-fiction': grammar(`The {n} {m}\n{a} {n}\nBeyond the {n}\nThe {n} at the End of {p}\n{p} Is Silent`, {
    a: 'Distant, Borrowed, Orbital, Second, Quantum, Zero, Parallel, Deep, Slow, Unmanned',
    n: 'Signal, Horizon, Engine, Colony, Archive, Drift, Station, Array, Machine, Meridian, Vessel, Algorithm',
    m: 'Paradox, Directive, Eclipse, Protocol, Descent, Inheritance, Sequence',
    p: 'Tharsis, Europa, the Belt, Andromeda, Tomorrow, Cygnus, Earth',
  }),
  mystery: grammar(`Death at {p}\nThe {a} {n}\nThe {n} in {p}\nA {n} Before Dusk\nMurder Comes to {p}`, {
    a: 'Missing, Crooked, Midnight, Silent, Second, Vanishing, Locked, Poisoned',
    n: 'Witness, Verdict, Alibi, Guest, Letter, Footman, Clue, Stranger, Inheritance, Heiress',
    p: 'Larkspur Hall, the Vicarage, Pier Nine, Coldharbour, Willow Lane, the Night Ferry, St. Aldate, Number Twelve',
  }),
  romance: grammar(`{a} {n}\nThe {n} Next Door\nA {n} for {p}\nFalling for the {n}\nOne {a} Summer`, {
    a: 'Reluctant, Tender, Accidental, Impossible, Golden, Scandalous, Second-Chance, Stolen',
    n: 'Duke, Baker, Bride, Promise, Kiss, Neighbour, Gardener, Wallflower, Proposal, Captain, Florist',
    p: 'Christmas, Miss Bellamy, the Viscount, Honeysuckle Bay, Always, Two',
  }),
  history: grammar(`{a} History of {p}\nThe Fall of {p}\n{p}: The Making of {m}\nThe {n} That Changed {p}\nRoads to {p}`, {
    a: 'A Short, A New, A Hidden, The Untold, A Maritime, A People’s',
    n: 'Winter, Treaty, Plague, Harvest, Voyage, Siege, Canal, Letter',
    m: 'an Empire, a Revolution, the Modern World, a Legend',
    p: 'Byzantium, the Hanse, Carthage, Salt, the Silk Road, Venice, the Baltic, Tea, the Steppe, Constantinople, Prague',
  }),
  biography: grammar(`{p}: A Life\nThe {a} {p}\nBecoming {p}\nMy Years with {p}\nThe Invention of {p}`, {
    a: 'Restless, Unquiet, Forgotten, Remarkable, Secret, Many Lives of',
    p: 'Ada Merriweather, Colonel Strand, Josephine Vale, the Aviator, Dr. Halloran, a Lighthouse Keeper, Captain Orme, the Cartographer, Wilhelmina Gray, the Violinist',
  }),
  'young-adult': grammar(`The {n} I Never {m}\n{a} {n}\nWe Were {m}\nThe Summer of {a} {n}\nEverything About {p}`, {
    a: 'Paper, Electric, Broken, Invisible, Crimson, Borrowed, Wild',
    n: 'Stars, Hearts, Girls, Kingdoms, Letters, Secrets, Wings, Boys, Lightning',
    m: 'Told, Knew, Fearless, Almost, Infinite, Sent, Lost',
    p: 'Juniper, Sam and Me, the Boy on the Roof, Sixteen, Leaving, Marlow High',
  }),
  horror: grammar(`The {n} at {p}\n{a} {n}\nWhat {m} Beneath {p}\nThe {a} {n}\n{p} After Dark`, {
    a: 'Rotting, Pale, Whispering, Hungry, Grinning, Buried, Sleepless',
    n: 'House, Cellar, Choir, Doll, Well, Harvest, Congregation, Orchard',
    m: 'Crawls, Sleeps, Waits, Sings, Feeds',
    p: 'Hollow Creek, the Old Asylum, Black Fen, Mercy Street, Saint Agatha, Pinewood',
  }),
  thriller: grammar(`The {p} {n}\n{a} {n}\nDead in {p}\nThe {n} Man\n{m} Hours`, {
    a: 'Absolute, Final, Hostile, Hidden, Lethal, Double, Cold',
    n: 'Protocol, Conspiracy, Target, Contract, Witness, Ledger, Cipher, Asset, Pursuit',
    m: 'Thirty-Six, Seventy-Two, Eleven, Nine, Forty-Eight',
    p: 'Geneva, Istanbul, Kestrel, Moscow, Helsinki, Sahara, Lisbon, Cobalt, Bering',
  }),
  poetry: grammar(`{a} {n}\n{n} for {p}\nThe {n} of {p}: Poems\nSelected {n}\n{n} Without {p}`, {
    a: 'Small, Blue, Unfinished, Evening, Ordinary, Salt',
    n: 'Elegies, Psalms, Weather, Letters, Prayers, Tides, Instruments, Sonnets',
    p: 'Winter, My Mother, the Unmoored, Birds, a Drowned Town, Rain, Nobody',
  }),
  classics: grammar(`The {n} of {p}\n{p}\nThe {a} {n}\nMiss {m} of {p}\nThe {n}, or {a} Fortunes`, {
    a: 'Honest, Faithless, Reluctant, Fallen, Changing',
    n: 'Heir, Governess, Curate, Portrait, Squire, Confessions, Mill, Estate',
    m: 'Darrow, Ellsworth, Tremaine, Hartley',
    p: 'Ravenscourt, Wetherfield, Amberley Park, Stonecross, Mansel Green, Dunmore, Thornhill, Lady Averill',
  }),
  'non-fiction': grammar(`The {a} {n}\nHow {m} Think\nThe Art of {p}\nWhy {m} {v}\n{p}: What the Science Says`, {
    a: 'Curious, Productive, Distracted, Patient, Resilient, Unlikely, Quiet',
    n: 'Mind, Habit, Economy, Gene, Brain, Kitchen, Manager, Universe',
    m: 'Crowds, Trees, Cities, Children, Birds, Markets, Teams, Oceans',
    v: 'Fail, Matter, Remember, Sleep, Collapse, Wander',
    p: 'Listening, Sleep, Rest, Attention, Fermentation, Slow Work, Walking, Numbers, Doubt',
  }),
  children: grammar(`{m} and the {a} {n}\nThe {n} Who {v}\nGoodnight, {m}\nWhere Is {m}’s {n}?\n{m} Goes to {p}`, {
    a: 'Enormous, Purple, Grumpy, Invisible, Singing, Tiny',
    n: 'Bear, Turnip, Umbrella, Whale, Hedgehog, Moon, Balloon, Fox',
    m: 'Pippa, Bartholomew, Little Otter, Mr. Button, Tilly, Oscar',
    v: 'Forgot to Roar, Ate the Moon, Would Not Sleep, Painted the Sea, Lost a Sock',
    p: 'the Library, the Seaside, School, Grandma, the Stars',
  }),
}

const other = (things: string, complements: string, patterns = '{n} {c}'): Grammar => grammar(patterns, { n: things, c: complements })

/** Titles in other languages: a noun phrase and a complement that agrees with any of them. */
export const otherTitles: Record<Exclude<Language, 'eng'>, Grammar> = {
  spa: other(
    'La casa, El jardín, La hija, El último verano, Las cartas, El silencio, La sombra, El mapa, Los nombres, La lluvia, El puente, La memoria, El relojero, Las mujeres',
    'del silencio, de las mareas, sin nombre, de los olvidados, del viento, de Santa Marina, en la niebla, de medianoche, del norte, bajo la ceniza, de papel, de las golondrinas',
  ),
  fre: other(
    "La maison, Le jardin, L'ombre, Les lettres, Le dernier train, La fille, L'été, Le secret, Les ombres, La mémoire, Le gardien, L'île, Le pays, La nuit",
    "du silence, sans nom, des oubliés, de verre, d'Anaïs, sous la neige, des marées, de la rue Morte, du phare, en hiver, de l'horloger, au bord du monde",
  ),
  ger: other(
    'Das Haus, Der Garten, Die Tochter, Das Schweigen, Die letzte Fahrt, Der Schatten, Die Stadt, Das Lied, Der Winter, Die Briefe, Das Gedächtnis, Der Wald',
    'am Fluss, ohne Namen, des Uhrmachers, der Nacht, aus Glas, im Nebel, der Vergessenen, unter dem Eis, der Krähen, von Sankt Marien, hinter den Dünen, des Nordens',
  ),
  ita: other(
    "La casa, Il giardino, L'ombra, La figlia, L'ultima estate, Il segreto, Le lettere, La notte, Il silenzio, L'isola",
    'del mare, senza nome, dei dimenticati, di vetro, sotto la neve, delle rondini, di mezzanotte, del faro, oltre il fiume, di cenere',
  ),
  por: other(
    'A casa, O jardim, A sombra, As cartas, O último verão, A filha, O silêncio, A noite, O mapa, A memória',
    'do silêncio, sem nome, dos esquecidos, das marés, de vidro, na neblina, do farol, de papel, além do rio, das andorinhas',
  ),
  jpn: other(
    '図書館, 海, 庭, 手紙, 約束, 記憶, 時計台, 猫, 夏, 駅, 雨, 影',
    '静かな, 夜の, 名もなき, 遠い, 最後の, ガラスの, 忘れられた, 青い, 冬の, 月の, 見知らぬ, 真夜中の',
    '{c}{n}',
  ),
  pol: other(
    'Dom, Cień, Ogród, Córka, Tajemnica, Ostatni list, Miasto, Pamięć, Noc, Zima, Milczenie, Zegar',
    'nad rzeką, bez imienia, z popiołu, zegarmistrza, pod śniegiem, zapomnianych, we mgle, na północy, ze szkła, za wydmami, latarnika, o świcie',
  ),
}

/** Names of series by genre; {name} is a surname. */
export const seriesPatterns: readonly string[] = lines(`
  The {name} Chronicles
  {name} Saga
  The {name} Mysteries
  House of {name}
  The {name} Cycle
  {name} & Co.`)
