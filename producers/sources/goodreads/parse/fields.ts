import { parseBoolean, parseDay, parseDecimal, parseInteger, parseRfc822, parseTime, textOf } from './values.ts'
import type { XmlElement } from './xml.ts'

export type Extra = Record<string, string>

/** How the text of an element becomes a field's value; null where it does not parse. */
const kinds = {
  text: (text: string) => text,
  integer: parseInteger,
  decimal: parseDecimal,
  boolean: parseBoolean,
  time: parseTime,
  rfc822: parseRfc822,
  day: parseDay,
}
type Kind = keyof typeof kinds

/** Element name → the field that takes it, and how. */
export type FieldTable<T> = ReadonlyMap<string, readonly [field: keyof T & string, kind: Kind]>
export const fieldTable = <T>(table: Record<string, readonly [keyof T & string, Kind]>): FieldTable<T> => new Map(Object.entries(table))

/** What an extra may hold: one entry's text, and entries of a record. What is beyond is in the raw response. */
const MAX_EXTRA_CHARS = 32_768
const MAX_EXTRA_ENTRIES = 200

/** An element as JSON: text, or an object of attributes (`@name`) and children, one or many; undefined where it is empty. */
const jsonOf = (element: XmlElement): unknown => {
  // No prototype: an element may be called `constructor`.
  const json: Record<string, unknown> = Object.create(null)
  for (const [name, value] of meaningfulAttributes(element)) json[`@${name}`] = value
  for (const child of element.children) {
    const value = jsonOf(child)
    if (value === undefined) continue
    const before = json[child.name]
    json[child.name] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value]
  }
  const text = textOf(element) ?? undefined
  if (Object.keys(json).length === 0) return text
  if (text !== undefined) json['#text'] = text
  return json
}

/** Attributes that say more than how the value is written. */
const meaningfulAttributes = ({ attributes }: XmlElement) =>
  Object.entries(attributes).filter(([name, value]) => name !== 'type' && name !== 'nil' && value !== '')

/** Adds an entry unless it is empty, or there are too many. */
export const addExtra = (extra: Extra, name: string, text: string | null): void => {
  if (text && (Object.hasOwn(extra, name) || Object.keys(extra).length < MAX_EXTRA_ENTRIES)) extra[name] = text.slice(0, MAX_EXTRA_CHARS)
}

/** Keeps an element that no field takes: its text, or JSON where it holds more; repeated ones as one JSON array. */
export const keepElement = (extra: Extra, path: string, ...elements: XmlElement[]): void => {
  const values = elements.map(jsonOf).filter((value) => value !== undefined)
  const value = values.length > 1 ? values : values[0]
  if (value !== undefined) addExtra(extra, path, typeof value === 'string' ? value : JSON.stringify(value))
}

export interface ReadOptions<T> {
  table: FieldTable<T>
  /** Takes the fields; those that already have a value keep it. */
  target: T
  extra: Extra
  /** Put before the names in `extra`, such as `work.`. */
  path?: string
  /** Elements that the caller takes apart itself. */
  special?: Readonly<Record<string, (element: XmlElement) => void>>
}

/**
 * Reads the children of an element into fields. What no field takes goes to `extra`: other elements, attributes,
 * a text that does not parse (its field stays null), and a second value that differs from the first.
 */
export const readFields = <T>(element: XmlElement, { table, target, extra, path = '', special }: ReadOptions<T>): void => {
  let others: Map<string, XmlElement[]> | undefined
  for (const child of element.children) {
    const { name } = child
    if (special && Object.hasOwn(special, name)) {
      special[name]!(child)
      continue
    }
    const entry = table.get(name)
    if (entry === undefined || child.children.length > 0) {
      others ??= new Map()
      const same = others.get(name)
      if (same) same.push(child)
      else others.set(name, [child])
      continue
    }
    for (const attribute in child.attributes) {
      if (attribute !== 'type' && attribute !== 'nil') addExtra(extra, `${path}${name}@${attribute}`, child.attributes[attribute]!)
    }
    const text = textOf(child)
    if (text === null) continue
    const [field, kind] = entry
    const value = kinds[kind](text)
    if (value === null) addExtra(extra, path + name, text)
    else if (target[field] === null) target[field] = value as T[typeof field]
    else if (target[field] !== value) addExtra(extra, path + name, text)
  }
  for (const [name, elements] of others ?? []) keepElement(extra, path + name, ...elements)
}

/** The text of the first child of that name that has one. */
export const childText = (element: XmlElement, name: string): string | null => {
  for (const child of element.children) {
    if (child.name !== name) continue
    const text = textOf(child)
    if (text !== null) return text
  }
  return null
}
