import type { ComponentChildren } from 'preact'
import type { Answer } from '../lib/answer.ts'
import { ago, moment } from '../lib/format.ts'

/** A time, in the reader's zone, that shows UTC when pointed at. */
export const Time = ({ at, children }: { at: string; children?: ComponentChildren }) => (
  <time dateTime={at} title={`${at} (UTC)`}>
    {children ?? moment(at)}
  </time>
)

/** How long ago, by the server's clock. */
export const Ago = ({ at, now }: { at: string; now: string }) => (
  <Time at={at}>{ago(Math.max(0, (Date.parse(now) - Date.parse(at)) / 1000))}</Time>
)

/** A name such as `gold.agg_rating_distribution`, which may be broken after its dots and underscores. */
export const Name = ({ name }: { name: string }) => (
  <>
    {name.split(/(?<=[._])/).map((part, index) => (
      <>
        {index > 0 && <wbr />}
        {part}
      </>
    ))}
  </>
)

/** A part of a page, named by its heading. `isBusy` says that what it shows is about to be replaced. */
export const Panel = ({
  id,
  title,
  note,
  isBusy,
  children,
}: {
  id: string
  title: string
  note?: ComponentChildren
  isBusy?: boolean | undefined
  children?: ComponentChildren
}) => (
  <section id={id} class="panel" aria-labelledby={`${id}-title`} aria-busy={isBusy}>
    <h2 id={`${id}-title`}>{title}</h2>
    {note && (
      <p id={`${id}-note`} class="muted">
        {note}
      </p>
    )}
    {children}
  </section>
)

export interface Column {
  name: string
  /** `num` heads numbers, `wide` is left out on small screens. */
  kind?: string
}

/** A table that scrolls by itself where it does not fit. */
export const Table = ({
  id,
  label,
  columns,
  children,
}: {
  id?: string
  label: string
  columns: readonly Column[]
  children: ComponentChildren
}) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
  <section class="scroll" aria-label={label} tabIndex={0}>
    <table id={id} aria-label={label}>
      <thead>
        <tr>
          {columns.map(({ name, kind }) => (
            <th key={name} scope="col" class={kind}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </section>
)

/**
 * What stands in the place of figures that are not there, or not fresh: loading, an error, or nothing to show. Over figures of
 * another question it says that those of this one are on their way; give `isOther` to the panel as `isBusy` too.
 */
export const State = ({ answer, empty }: { answer: Answer; empty?: string | false | undefined }) => {
  if (answer.isOther || (answer.data === null && answer.isLoading)) {
    return (
      <p class={answer.data === null ? 'muted loading' : 'muted loading over'} role="status">
        Loading…
      </p>
    )
  }
  if (answer.error !== null) {
    return (
      <p class="state-error" role="status">
        {answer.error}
        {answer.answeredMs !== null && answer.data !== null && (
          <>
            {' '}
            The figures are from <Time at={new Date(answer.answeredMs).toISOString()} />.
          </>
        )}
      </p>
    )
  }
  return empty ? <p class="muted">{empty}</p> : null
}
