import type { Inbox, ShelfRequest } from '../../lineage/shelves/inbox.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { openExport } from '../sources/export/export.ts'
import { openFeed } from '../sources/rss/feed.ts'
import type { Source } from '../sources/source.ts'

type FeedOptions = Omit<Parameters<typeof openFeed>[0], 'address'>

/**
 * How what a person added is opened as a source, by its kind. What the source says of an upload names it as the person did,
 * not by where it is kept. Throws ReadflowError `source-invalid`.
 */
export const createShelfOpener =
  (inbox: Inbox, feedOptions: FeedOptions) =>
  async (request: ShelfRequest, onBrokenLine: () => void): Promise<Source> => {
    const { id, kind, name, userId } = request
    if (kind === 'export') {
      const label = `The upload '${name}'`
      return openExport({ file: inbox.exportFile(request), userId, id: `goodreads-export:${id}`, label, onBrokenLine })
    }
    const address = await inbox.feedAddress(request)
    if (!address) throw new ReadflowError('source-invalid', 'The address of the feed is gone.', { hint: 'Add it again.' })
    return openFeed({ ...feedOptions, address, revision: request.revision })
  }
