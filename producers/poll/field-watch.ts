import { type Drift, type DriftPolicies, sampleOf } from '../../lineage/drift/drift.ts'
import { entityNames } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'
import type { Source, SourceRecord } from '../sources/source.ts'
import type { EntityState, ExtraState, FieldState, FormState, Presence } from './field-state.ts'
import { fitsField, isCoveredBy, sourceFields, typeOfText } from './field-types.ts'

export interface PollAbout {
  pollId: string
  nowMs: number
}

export interface FieldWatch {
  beginPoll: (about: PollAbout) => void
  /** Looks at a record: what is to be published, and which entries of its `extra` are drift. */
  take: (record: SourceRecord) => { record: SourceRecord; drifted: string[] }
  /** The poll is whole: fields that it did not have any more are found now. Gives whether it had any record. */
  endPoll: () => boolean
  state: () => FieldState
}

export interface WatchOptions {
  source: Pick<Source, 'name' | 'fieldOf'>
  state: FieldState
  /** Findings of this source that are on record. */
  known: readonly Drift[]
  policies: DriftPolicies
  found: (drift: Drift) => void
}

/** A field vanishes after so many records without it, where at least this share of at least so many before had it. */
const MIN_RECORDS = 20
const MIN_SHARE = 0.5
/** Names in `extra` that are kept for an entity: what is beyond is neither watched nor drift. */
const MAX_NAMES = 2000

const isEntity = (name: string): name is EntityName => (entityNames as readonly string[]).includes(name)
const fieldsOf = new Map(entityNames.map((name) => [name, [...sourceFields(name)] as const]))
const typesOf = new Map(entityNames.map((name) => [name, sourceFields(name)]))

const hasValue = (value: unknown): boolean => value !== null && value !== undefined && !(Array.isArray(value) && value.length === 0)
const emptyForm = (): FormState => ({ records: 0, isKnown: false, fields: Object.create(null) })

/** From JSON, with names as they come: a field may be called `constructor`. */
const ownState = (state: FieldState): FieldState => {
  const bare = <T>(of: Record<string, T> | undefined): Record<string, T> => Object.assign(Object.create(null), of)
  return Object.fromEntries(
    entityNames.map((name) => [
      name,
      {
        forms: bare(
          Object.fromEntries(
            Object.entries(state[name]?.forms ?? {}).map(([form, each]) => [form, { ...each, fields: bare(each.fields) }]),
          ),
        ),
        extra: bare(state[name]?.extra),
      },
    ]),
  )
}

/**
 * Watches the fields of a source's records, entity by entity. The first whole poll with records of a form tells what is
 * known. Later a name in `extra` that is not known has appeared; a text that is not what its field or the values before
 * it are has changed its type; a field that half of the records had, and no one of a whole poll and of the last 20 has
 * any more, has vanished. Pure but for `found`, which is told of each finding, again after a restart.
 */
export const createFieldWatch = ({ source, state: given, known, policies, found }: WatchOptions): FieldWatch => {
  const state = ownState(given)
  let about: PollAbout = { pollId: '', nowMs: 0 }
  /** Records of each form that were there when this poll began. */
  let before = new Map<FormState, number>()

  for (const { entity, field, kind, after } of known) {
    const of = state[entity]
    if (!of || kind === 'vanished') continue
    of.extra[field] ??= { isDrift: kind === 'appeared', types: Object.create(null) }
    if (kind === 'appeared') of.extra[field].isDrift = true
    if (after !== null) of.extra[field].types[after] = true
  }

  const report = (entity: EntityName, rest: Pick<Drift, 'field' | 'kind' | 'before' | 'after' | 'sample' | 'requestId' | 'times'>) =>
    found({
      entity,
      place: 'source',
      policy: policies[entity] ?? 'evolve',
      foundMs: about.nowMs,
      source: source.name,
      pollId: about.pollId,
      topic: null,
      partition: null,
      offset: null,
      schemaId: null,
      ...rest,
    })

  const touch = (form: FormState, name: string) => {
    form.fields[name] ??= { present: 0, lastAt: 0, isGone: false, timesGone: 0 }
    const field: Presence = form.fields[name]
    if (field.lastAt === form.records) return
    field.present++
    field.lastAt = form.records
    field.isGone = false
  }

  /** A text that its own field does not take: whether that is drift. */
  const lookAtMisfit = (entity: EntityName, name: string, field: string, text: string, requestId: string | null): boolean => {
    const wanted = typesOf.get(entity)?.get(field) ?? 'string'
    const type = typeOfText(text)
    // A second value, or one that is not this record's own.
    if (fitsField(wanted, type)) return false
    report(entity, { field: name, kind: 'type-changed', before: wanted, after: type, sample: sampleOf(text), requestId })
    return true
  }

  const lookAtExtra = (
    entity: EntityName,
    of: EntityState,
    form: FormState,
    name: string,
    text: string,
    requestId: string | null,
  ): boolean => {
    const type = typeOfText(text)
    let extra = of.extra[name]
    if (!extra) {
      if (Object.keys(of.extra).length >= MAX_NAMES) return false
      extra = of.extra[name] = { isDrift: form.isKnown, types: Object.create(null) }
      extra.types[type] = form.isKnown
    }
    const same = Object.keys(extra.types).find((each) => isCoveredBy(each, type)) ?? type
    extra.types[same] ??= form.isKnown
    const first = firstType(extra)
    const common = { field: name, sample: sampleOf(text), requestId }
    if (extra.isDrift) report(entity, { ...common, kind: 'appeared', before: null, after: first })
    const isTypeDrift = extra.types[same] === true && same !== first
    if (isTypeDrift) report(entity, { ...common, kind: 'type-changed', before: first, after: same })
    return extra.isDrift || isTypeDrift
  }

  return {
    beginPoll: (poll) => {
      about = poll
      before = new Map()
    },

    take: (record) => {
      const { entity, value, requestId, form: formName = '' } = record
      if (!isEntity(entity)) return { record, drifted: [] }
      const of = state[entity]!
      of.forms[formName] ??= emptyForm()
      const form = of.forms[formName]
      if (!before.has(form)) before.set(form, form.records)
      form.records++
      const values = value as unknown as Record<string, unknown> & { extra: Record<string, string> }
      for (const [name] of fieldsOf.get(entity)!) if (hasValue(values[name])) touch(form, name)
      const drifted: string[] = []
      const dropped = new Set<string>()
      for (const name in values.extra) {
        const text = values.extra[name]!
        const field = source.fieldOf?.(entity, name) ?? (typesOf.get(entity)?.has(name) ? name : null)
        touch(form, field ?? `extra.${name}`)
        const isDrift =
          field !== null ? lookAtMisfit(entity, name, field, text, requestId) : lookAtExtra(entity, of, form, name, text, requestId)
        if (!isDrift) continue
        if (policies[entity] === 'discard' && field === null && of.extra[name]?.isDrift) dropped.add(name)
        else drifted.push(name)
      }
      if (dropped.size === 0) return { record, drifted }
      const extra = Object.fromEntries(Object.entries(values.extra).filter(([name]) => !dropped.has(name)))
      return { record: { ...record, value: { ...value, extra } } as SourceRecord, drifted }
    },

    endPoll: () => {
      for (const name of entityNames) {
        for (const form of Object.values(state[name]!.forms)) {
          const recordsBefore = before.get(form)
          if (recordsBefore === undefined) continue
          form.isKnown = true
          for (const [field, presence] of Object.entries(form.fields)) {
            const { present, lastAt, isGone } = presence
            const isMissed = lastAt <= recordsBefore && form.records - lastAt >= MIN_RECORDS
            if (isGone || !isMissed || lastAt < MIN_RECORDS || present / lastAt < MIN_SHARE) continue
            presence.isGone = true
            const extraName = field.startsWith('extra.') ? field.slice('extra.'.length) : null
            const extra = extraName === null ? undefined : state[name]!.extra[extraName]
            report(name, {
              field: extraName ?? field,
              kind: 'vanished',
              before: extra ? firstType(extra) : (typesOf.get(name)?.get(field) ?? null),
              after: null,
              sample: null,
              requestId: null,
              times: presence.timesGone++,
            })
          }
        }
      }
      return before.size > 0
    },

    state: () => state,
  }
}

/** The type that values of an entry had first. */
const firstType = ({ types }: ExtraState): string | null => Object.keys(types)[0] ?? null
