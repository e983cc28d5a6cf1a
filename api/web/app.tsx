import { useEffect } from 'preact/hooks'
import { Link, Redirect, Route, Switch } from 'wouter-preact'
import { BookPage } from './books/book.tsx'
import { BooksPage } from './books/page.tsx'
import { DeadLettersPage } from './dead-letters/page.tsx'
import { Header } from './header.tsx'
import { usePathPart } from './lib/address.ts'
import { useAnswer } from './lib/answer.ts'
import { useArrival } from './lib/arrival.ts'
import { StatusContext } from './lib/status.ts'
import { Footer, Gate, Notice } from './notices.tsx'
import { PipelinePage } from './pipeline/page.tsx'
import { ShelfPage } from './shelf/page.tsx'
import { SignIn } from './sign-in.tsx'
import { TopicsPage } from './topics/page.tsx'
import { Boundary, latePage } from './ui/boundary.tsx'

// The editor is as large as all else together: it comes when it is asked for.
const SqlPage = latePage(() => import('./sql/page.tsx'))

const STATUS_MS = 2000

const pages = [
  { path: '/books', name: 'Books' },
  { path: '/pipeline', name: 'Pipeline' },
  { path: '/topics', name: 'Topics' },
  { path: '/shelf', name: 'My shelf' },
  { path: '/dead-letters', name: 'Dead letters' },
  { path: '/sql', name: 'SQL' },
]

export const App = () => {
  const status = useAnswer('/v1/status', { everyMs: STATUS_MS })
  const [section, part] = [usePathPart(1), usePathPart(2)]
  const page = pages.find(({ path }) => path === `/${section}`)
  // A book has a name of its own, which comes later.
  const name = page ? (page.path === '/topics' && part !== '' ? `${part} · ${page.name}` : page.name) : 'No such page'
  useEffect(() => {
    document.title = `${name} · ReadFlow`
  }, [name, part])
  const arrivedAt = useArrival(name)
  return (
    <StatusContext.Provider value={status}>
      <a class="skip" href="#main">
        Skip to the figures
      </a>
      <Header pages={pages} current={page?.path ?? ''} />
      <div class="wrap">
        <Notice />
        <Gate />
      </div>
      <p class="visually-hidden" role="status">
        {arrivedAt}
      </p>
      <main id="main" class="wrap" tabIndex={-1}>
        {status.status === 401 || status.status === 403 ? (
          <SignIn status={status} />
        ) : (
          <Boundary key={`${page?.path}/${part}`}>
            <Switch>
              <Route path="/">
                <Redirect to="/books" replace />
              </Route>
              <Route path="/books" component={BooksPage} />
              <Route path="/books/:id">
                <BookPage id={part} />
              </Route>
              <Route path="/pipeline" component={PipelinePage} />
              <Route path="/topics/:topic?">
                <TopicsPage topic={part === '' ? null : part} />
              </Route>
              <Route path="/shelf" component={ShelfPage} />
              <Route path="/dead-letters" component={DeadLettersPage} />
              <Route path="/sql" component={SqlPage} />
              <Route>
                <NotFound />
              </Route>
            </Switch>
          </Boundary>
        )}
      </main>
      <Footer />
    </StatusContext.Provider>
  )
}

const NotFound = () => (
  <section class="panel" aria-labelledby="not-found-title">
    <h2 id="not-found-title">There is no such page</h2>
    <p>
      <Link href="/books">Books</Link> is where the others are found from.
    </p>
  </section>
)
