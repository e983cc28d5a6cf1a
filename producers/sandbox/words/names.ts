import { words } from './split.ts'

export const languages = ['eng', 'spa', 'fre', 'ger', 'ita', 'por', 'jpn', 'pol'] as const
export type Language = (typeof languages)[number]

/** Share of the authors of each language, in the order above. */
export const languageWeights = [62, 8, 7, 7, 4, 4, 5, 3]

export interface People {
  female: readonly string[]
  male: readonly string[]
  surnames: readonly string[]
  towns: readonly string[]
  publishers: readonly string[]
  /** Registration groups of the language's ISBNs. */
  isbnGroups: readonly string[]
}

const people = (female: string, male: string, surnames: string, towns: string, publishers: string, isbnGroups: string): People => ({
  female: words(female),
  male: words(male),
  surnames: words(surnames),
  towns: words(towns),
  publishers: words(publishers),
  isbnGroups: words(isbnGroups),
})

/** Names, towns, invented publishers and ISBN groups by language. */
export const peopleOf: Record<Language, People> = {
  eng: people(
    'Alice, Nora, Margaret, Ruth, Imogen, Priya, Tessa, Hazel, Clara, Joan, Beatrice, Amara, Lydia, Frances, Maeve, Edith, Naomi, Rosalind, Zadie, Helen, Winifred, Grace, Iris, Mabel, Harriet, Siobhan, Leah, Ottoline',
    'Thomas, Edmund, Samuel, Theo, Callum, Rohan, Walter, Gideon, Henry, Jasper, Arthur, Desmond, Elias, Marcus, Hugh, Nathaniel, Oliver, Silas, Malcolm, Ravi, Duncan, Felix, Graham, Isaac, Kwame, Leo, Patrick, Tobias',
    "Ashworth, Bellamy, Calder, Drummond, Ellery, Fairfax, Garrow, Hathersage, Ingram, Jessop, Kestrel, Lockwood, Marlowe, Nightingale, Okafor, Penhallow, Quill, Rathbone, Sethi, Thornbury, Underhill, Vance, Whitlock, Yarrow, Abernathy, Blackwood, Carmody, O'Dell, Fenwick, Greaves, Holloway, Larkin, Mortimer, Pemberton, Redfern, Sinclair, Tierney, Wetherby, Achebe-Lowe, McAllister, Stroud, Harrow",
    'Bristol, Portland, Edinburgh, Boston, Leeds, Dublin, Cardiff, Toronto, Melbourne, Chicago, Oxford, Savannah, Wellington, Cork',
    'Harbour & Finch, Lantern House, Greywater Press, Thistledown Books, Nine Elms Press, Copper Beech, Saltmarsh & Sons, Old Foundry Books, Meridian Hill, Fox & Quill, Blue Heron, Orchard Row',
    '0, 1',
  ),
  spa: people(
    'Lucía, Inés, Carmen, Valeria, Marisol, Elena, Pilar, Ximena, Rocío, Beatriz, Soledad, Paloma',
    'Mateo, Joaquín, Álvaro, Rodrigo, Esteban, Ignacio, Tomás, Emilio, Julián, Andrés, Ramiro, Gonzalo',
    'Ibáñez, Quintana, Ferrer, Salcedo, Villalobos, Montoya, Cárdenas, Echeverría, Rosales, Benítez, Arriaga, Peñalver, Zúñiga, Luque',
    'Sevilla, Bogotá, Valparaíso, Oaxaca, Salamanca, Montevideo, Quito, Zaragoza',
    'Editorial Alcaraván, Casa del Olivo, Ediciones La Marea, Tinta Roja, Libros del Faro',
    '84',
  ),
  fre: people(
    'Élise, Camille, Solène, Margaux, Aurélie, Odile, Noémie, Jeanne, Clémence, Hélène, Anaïs, Brigitte',
    'Étienne, Lucien, Bastien, Rémi, Gaspard, Julien, Mathieu, Olivier, Thibault, André, Fabrice, Yves',
    'Delacourt, Montreuil, Besnard, Lefèvre, Chastain, Rousselot, Vauquelin, Marchetti, Garnier, Thévenot, Peltier, Aubry, Desrosiers, Kermadec',
    'Nantes, Lyon, Bruxelles, Rennes, Genève, Marseille, Québec, Dijon',
    "Éditions du Rivage, La Lanterne, Presses de l'Orme, Le Vent d'Ouest, Atelier Noir",
    '2',
  ),
  ger: people(
    'Greta, Annelie, Friederike, Katrin, Johanna, Ulrike, Mathilde, Svenja, Lieselotte, Renate, Birgit, Elsbeth',
    'Matthias, Konrad, Jürgen, Lukas, Albrecht, Stefan, Wolfram, Emil, Thorsten, Gregor, Rainer, Benedikt',
    'Lindqvist, Brandauer, Kessler, Wiesengrund, Möller, Hartwig, Sturm, Vogelsang, Reinhardt, Falkenberg, Groß, Zöllner, Achterberg, Rauch',
    'Leipzig, Graz, Hamburg, Basel, Freiburg, Weimar, Linz, Bremen',
    'Verlag am Kanal, Silberdistel, Nordlicht Verlag, Haus Ulmen, Kleine Eule',
    '3',
  ),
  ita: people(
    'Chiara, Ginevra, Loredana, Beatrice, Silvia, Ornella, Francesca, Ludovica',
    'Lorenzo, Matteo, Fabrizio, Tommaso, Corrado, Sandro, Vittorio, Niccolò',
    "Bellandi, Cattaneo, D'Amico, Ferrante-Rossi, Guarneri, Lombardini, Moretti, Pellegrini, Quaranta, Tedesco",
    'Torino, Palermo, Bologna, Trieste, Lecce, Genova',
    'Edizioni del Porto, Il Melograno, Casa Lucertola, Carta Bianca',
    '88',
  ),
  por: people(
    'Inês, Beatriz, Leonor, Luísa, Mafalda, Teresa, Conceição, Marina',
    'João, Tiago, Duarte, Vasco, Gonçalo, Rui, Afonso, Caetano',
    'Magalhães, Teixeira, Abreu, Guimarães, Valadares, Brandão, Sequeira, Noronha, Antunes, Figueiredo',
    'Porto, Recife, Coimbra, Salvador, Évora, Lisboa',
    'Edições Maré, Casa da Figueira, Livros do Cais, Azulejo',
    '972, 85',
  ),
  jpn: people(
    'Yōko, Misaki, Haruka, Sayuri, Akane, Natsumi, Tomoko, Rei',
    'Kenji, Haruto, Satoshi, Ryōta, Makoto, Shin, Daisuke, Naoki',
    'Tachibana, Kuroda, Aoyama, Hoshino, Minamoto, Shirakawa, Fujisawa, Ōtsuka, Nagase, Tsukishima',
    'Kanazawa, Sapporo, Kyōto, Nagasaki, Sendai, Kōbe',
    '青灯社, 月夜書房, 風待出版, 白鷺書林',
    '4',
  ),
  pol: people(
    'Agnieszka, Zofia, Małgorzata, Halina, Wisława, Jagoda, Łucja, Bożena',
    'Stanisław, Wojciech, Tadeusz, Bartosz, Kazimierz, Łukasz, Mirosław, Jerzy',
    'Zawadzki, Wrona, Sikora, Kamieński, Jabłoński, Górecki, Wilk, Różewska-Malec, Dąbek, Świerczek',
    'Kraków, Gdańsk, Wrocław, Lublin, Toruń, Poznań',
    'Wydawnictwo Sowa, Czarny Bez, Księgi Wiślane, Latarnia',
    '83',
  ),
}

/** Places where readers say that they live. */
export const readerPlaces =
  words(`Portland OR, The United Kingdom, Toronto ON, Austin TX, India, Melbourne, Lisbon, The Netherlands, Brooklyn NY, Singapore,
  Dublin, Nairobi, Warsaw, Mexico City, Glasgow, Manila, Seattle WA, Lyon, São Paulo, Berlin, Wellington, Madison WI, Kraków, Sevilla`)
