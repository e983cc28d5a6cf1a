/*
 * Headers that every record of the poller has, and that go with it: into Bronze (`_headers`), into dead letters, and into what a
 * redrive sends again.
 */

export const SOURCE = 'readflow.source'
/** The id of the poll, which is that of its run and in each of its log lines. */
export const POLL_ID = 'readflow.poll-id'
/** The id of the response that the record was made of, which is the key of that response on `goodreads.raw`. */
export const REQUEST_ID = 'readflow.request-id'
