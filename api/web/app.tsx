import { lazy, Suspense } from 'preact/compat'
import { useEffect } from 'preact/hooks'
import { Link, Redirect, Route, Switch, useLocation } from 'wouter-preact'
import { BookPage } from './books/book.tsx'
import { BooksPage } from './books/page.tsx'
import { DeadLettersPage } from './dead-letters/page.tsx'
import { Header } from './header.tsx'
import { useAnswer } from './lib/answer.ts'
import { StatusContext } from './lib/status.ts'
import { Footer, Gate, Notice, SignIn } from './notices.tsx'
import { PipelinePage } from './pipeline/page.tsx'
import { ShelfPage } from './shelf/page.tsx'
import { TopicsPage } from './topics/page.tsx'

// The editor is as large as all else together: it comes when it is asked for.
const SqlPage = lazy(() => import('./sql/page.tsx'))

const STATUS_MS = 2000

export const pages = [
  { path: '/books', name: 'Books' },
  { path: '/pipeline', name: 'Pipeline' },
  { path: '/topics', name: 'Topics' },
  { path: '/shelf', name: 'My shelf' },
  { path: '/dead-letters', name: 'Dead letters' },
  { path: '/sql', name: 'SQL' },
]

export const App = () => {
  const status = useAnswer('/v1/status', { everyMs: STATUS_MS })
  const [location] = useLocation()
  const page = pages.find(({ path }) => location === path || location.startsWith(`${path}/`))
  useEffect(() => {
    document.title = page ? `${page.name} · ReadFlow` : 'ReadFlow'
  }, [page])
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
      <main id="main" class="wrap" tabIndex={-1}>
        {status.status === 401 ? (
          <SignIn />
        ) : (
          <Suspense fallback={<p class="muted">Loading…</p>}>
            <Switch>
              <Route path="/">
                <Redirect to="/books" replace />
              </Route>
              <Route path="/books" component={BooksPage} />
              <Route path="/books/:id">{({ id }) => <BookPage id={decodeURIComponent(id)} />}</Route>
              <Route path="/pipeline" component={PipelinePage} />
              <Route path="/topics/:topic?">
                {({ topic }) => <TopicsPage topic={topic === undefined ? null : decodeURIComponent(topic)} />}
              </Route>
              <Route path="/shelf" component={ShelfPage} />
              <Route path="/dead-letters" component={DeadLettersPage} />
              <Route path="/sql" component={SqlPage} />
              <Route>
                <section class="panel">
                  <h2>There is no such page</h2>
                  <p>
                    <Link href="/books">Books</Link> is where the others are found from.
                  </p>
                </section>
              </Route>
            </Switch>
          </Suspense>
        )}
      </main>
      <Footer />
    </StatusContext.Provider>
  )
}
