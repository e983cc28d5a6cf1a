import { useEffect, useRef, useState } from 'preact/hooks'
import { ask, type Json } from '../lib/answer.ts'
import { size } from '../lib/format.ts'
import { Panel } from '../ui/ui.tsx'

/** What the route takes: a larger upload breaks off before its answer can be read, so it is not begun. */
const MAX_BYTES = 16 * 1024 * 1024

/** Adds a shelf: a GoodReads export that is dropped or chosen, or the address of a feed. Tells whose shelf came of it. */
export const AddShelf = ({ onAdded }: { onAdded: (shelf: Json) => void }) => {
  const [name, setName] = useState('my-shelf')
  const [feed, setFeed] = useState('')
  const [said, setSaid] = useState('')
  const [isBusy, setBusy] = useState(false)
  const [isOver, setOver] = useState(false)

  const send = async (path: string, type: string, body: BodyInit) => {
    setBusy(true)
    setSaid('Sending…')
    try {
      onAdded(await ask(path, { method: 'POST', headers: { 'content-type': type }, body }))
      setSaid('')
      setFeed('')
    } catch (error) {
      setSaid((error as Error).message)
    } finally {
      setBusy(false)
    }
  }
  const sendFile = (file: File | undefined) => {
    if (!file || isBusy) return
    if (file.size > MAX_BYTES)
      setSaid(`${file.name} has ${size(file.size)}; an upload may have ${size(MAX_BYTES)}. Start with --source goodreads-export:FILE.`)
    else send(`/v1/shelves?${new URLSearchParams({ name })}`, 'text/csv', file)
  }
  const drop = useRef(sendFile)
  drop.current = sendFile
  // Anywhere on the page: beside the field the browser would open the file in the page's place.
  useEffect(() => {
    const hasFile = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false
    const onDragOver = (event: DragEvent) => {
      if (!hasFile(event)) return
      event.preventDefault()
      setOver(true)
    }
    // Between two elements of the page the pointer leaves one for the other; out of the window it leaves for none.
    const onDragLeave = (event: DragEvent) => event.relatedTarget === null && setOver(false)
    const onDrop = (event: DragEvent) => {
      if (!hasFile(event)) return
      event.preventDefault()
      setOver(false)
      drop.current(event.dataTransfer?.files[0])
    }
    addEventListener('dragover', onDragOver)
    addEventListener('dragleave', onDragLeave)
    addEventListener('drop', onDrop)
    return () => {
      removeEventListener('dragover', onDragOver)
      removeEventListener('dragleave', onDragLeave)
      removeEventListener('drop', onDrop)
    }
  }, [])
  const sendFeed = (event: Event) => {
    event.preventDefault()
    send('/v1/shelves', 'application/json', JSON.stringify({ feed: feed.trim() }))
  }
  return (
    <Panel
      id="add-shelf"
      title="My shelf"
      note="A reader's own books: they go through the pipeline like those of any source. Nothing leaves this machine, but that a feed is asked of goodreads.com."
    >
      <div class="pair even">
        <fieldset class="drop" data-over={isOver}>
          <legend>Drop a GoodReads export on this page</legend>
          <p class="muted">The CSV file of My Books, Import and export, Export library. The same name again replaces it.</p>
          <p class="choice">
            <label for="shelf-name">Whose</label>
            <input id="shelf-name" value={name} maxLength={200} onInput={(event) => setName(event.currentTarget.value)} />
          </p>
          <p class="choice">
            <label for="shelf-file">File</label>
            <input
              id="shelf-file"
              type="file"
              accept=".csv,text/csv"
              disabled={isBusy}
              onChange={(event) => {
                sendFile(event.currentTarget.files?.[0])
                // So that the same file can be chosen again.
                event.currentTarget.value = ''
              }}
            />
          </p>
        </fieldset>
        <form class="drop" onSubmit={sendFeed}>
          <h3>Or paste the address of a shelf's feed</h3>
          <p class="muted">The RSS link at a shelf's foot. That of a private shelf has a key, which stays on this machine.</p>
          <p class="choice">
            <label for="shelf-feed">Address</label>
            <input
              id="shelf-feed"
              type="text"
              inputMode="url"
              required
              value={feed}
              placeholder="https://www.goodreads.com/review/list_rss/…"
              onInput={(event) => setFeed(event.currentTarget.value)}
            />
            <button type="submit" disabled={isBusy}>
              Add
            </button>
          </p>
        </form>
      </div>
      <p id="shelf-said" class={isBusy ? 'muted' : 'state-error'} role="status">
        {said}
      </p>
    </Panel>
  )
}
