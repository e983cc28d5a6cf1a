import { PostgreSQL, sql } from '@codemirror/lang-sql'
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { Compartment, EditorState } from '@codemirror/state'
import { keymap } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { basicSetup, EditorView } from 'codemirror'
import { useEffect, useRef } from 'preact/hooks'
import type { Json } from '../lib/answer.ts'

/** Colours of the page, which has them for light and dark. */
const highlighting = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--accent)', fontWeight: '600' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--warn)' },
  { tag: tags.comment, color: 'var(--muted)', fontStyle: 'italic' },
  { tag: [tags.name, tags.operator, tags.punctuation, tags.typeName, tags.standard(tags.name)], color: 'var(--ink)' },
])

export interface EditorHandle {
  set: (text: string) => void
  insert: (text: string) => void
}

/** An editor with completion from the tables that there are. `run` is called for Ctrl-Enter. */
export const Editor = ({
  initial,
  handle,
  tables,
  change,
  run,
}: {
  initial: string
  /** Is given what replaces the text, or goes in where the cursor is: the editor itself owns it. */
  handle: { current: EditorHandle | null }
  tables: readonly Json[]
  change: (text: string) => void
  run: () => void
}) => {
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView | null>(null)
  const language = useRef(new Compartment())
  const handlers = useRef({ change, run })
  handlers.current = { change, run }
  useEffect(() => {
    // In a shadow root its styles are adopted sheets: the page's policy allows no style elements.
    const root = host.current!.shadowRoot ?? host.current!.attachShadow({ mode: 'open' })
    const colors = (name: string) => `var(${name})`
    view.current = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: initial,
        extensions: [
          keymap.of([
            {
              key: 'Mod-Enter',
              run: () => {
                handlers.current.run()
                return true
              },
            },
          ]),
          syntaxHighlighting(highlighting),
          basicSetup,
          language.current.of(sql({ dialect: PostgreSQL })),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': 'SQL' }),
          EditorView.updateListener.of((update) => {
            if (!update.docChanged) return
            handlers.current.change(update.state.doc.toString())
          }),
          EditorView.theme({
            '&': {
              color: colors('--ink'),
              backgroundColor: colors('--panel'),
              fontSize: '14px',
              border: `1px solid ${colors('--line')}`,
              borderRadius: '8px',
            },
            // The editor's own are for light pages; `&` twice, as its rules for a focused editor are as long.
            '.cm-cursor, .cm-dropCursor': { borderLeftColor: colors('--ink') },
            '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': {
              backgroundColor: colors('--selection'),
            },
            '.cm-selectionMatch, .cm-searchMatch': { backgroundColor: colors('--selection') },
            '&.cm-focused .cm-matchingBracket': { backgroundColor: colors('--selection') },
            '.cm-panels': { backgroundColor: colors('--paper'), color: colors('--ink') },
            '.cm-panels input, .cm-panels button': { backgroundColor: colors('--panel'), color: colors('--ink'), backgroundImage: 'none' },
            '.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: colors('--selection'), color: colors('--ink') },
            '&.cm-focused': { outline: `3px solid ${colors('--accent')}`, outlineOffset: '2px' },
            '.cm-content': { minHeight: '8em', caretColor: colors('--ink') },
            '.cm-gutters': { backgroundColor: colors('--paper'), color: colors('--muted'), border: 'none' },
            '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'transparent' },
            '.cm-tooltip': { backgroundColor: colors('--panel'), color: colors('--ink'), border: `1px solid ${colors('--line')}` },
          }),
        ],
      }),
    })
    handle.current = {
      set: (text) => view.current?.dispatch({ changes: { from: 0, to: view.current.state.doc.length, insert: text } }),
      insert: (text) => {
        view.current?.dispatch(view.current.state.replaceSelection(text))
        view.current?.focus()
      },
    }
    return () => view.current?.destroy()
  }, [])
  useEffect(() => {
    const schema = Object.fromEntries(tables.map(({ name, columns }) => [name, columns.map((column: Json) => column.name)]))
    view.current?.dispatch({ effects: language.current.reconfigure(sql({ dialect: PostgreSQL, schema })) })
  }, [tables])
  return <div ref={host} class="editor" />
}
