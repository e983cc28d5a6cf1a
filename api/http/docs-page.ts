interface Schema {
  type?: string | string[]
  description?: string
  enum?: unknown[]
  default?: unknown
}
interface Parameter {
  name: string
  in: string
  required?: boolean
  description?: string
  schema?: Schema
}
interface OperationObject {
  summary?: string
  parameters?: Parameter[]
  requestBody?: { content: Record<string, unknown> }
  responses: Record<string, { description: string; content?: Record<string, unknown> }>
}
interface Document {
  info: { title: string; version: string; description?: string }
  paths: Record<string, Record<string, OperationObject>>
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escaped = (text: unknown) => String(text).replaceAll(/[&<>"]/g, (found) => entities[found]!)

const parameterRow = ({ name, in: where, required, description, schema }: Parameter) => `
  <tr><td><code>${escaped(name)}</code></td><td>${where === 'path' ? 'path' : ''}${required ? ' required' : ''}</td>
  <td>${escaped(description ?? schema?.description ?? '')}${schema?.enum ? ` (${schema.enum.map(escaped).join(', ')})` : ''}${
    schema?.default === undefined ? '' : `; default ${escaped(schema.default)}`
  }</td></tr>`

const operationPart = (path: string, method: string, { summary, parameters = [], requestBody, responses }: OperationObject) => `
  <section id="${escaped(`${method}${path}`)}">
    <h2><span class="method">${escaped(method.toUpperCase())}</span> <code>${escaped(path)}</code></h2>
    <p>${escaped(summary ?? '')}</p>
    ${parameters.length > 0 ? `<table><thead><tr><th>Parameter</th><th>Where</th><th>What</th></tr></thead><tbody>${parameters.map(parameterRow).join('')}</tbody></table>` : ''}
    ${
      requestBody
        ? `<p>Body: ${Object.keys(requestBody.content)
            .map((type) => `<code>${escaped(type)}</code>`)
            .join(', ')}</p>`
        : ''
    }
    <details><summary>Answers</summary><dl>${Object.entries(responses)
      .map(
        ([status, { description, content = {} }]) =>
          `<dt>${escaped(status)}</dt><dd>${escaped(description)} ${Object.keys(content)
            .map((type) => `<code>${escaped(type)}</code>`)
            .join(', ')}</dd>`,
      )
      .join('')}</dl></details>
  </section>`

/** An OpenAPI document as a page of its own, with no script. */
export const docsPage = (document: object): string => {
  const { info, paths } = document as Document
  const parts = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => operationPart(path, method, operation)),
  )
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>${escaped(info.title)} API</title>
  <link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/assets/docs.css">
</head>
<body>
<main>
  <h1>${escaped(info.title)} API</h1>
  <p>${escaped(info.description ?? '')}</p>
  <p><a href="/v1/openapi.json">OpenAPI 3.1</a> · <a href="/">the page</a></p>
  ${parts.join('')}
</main>
</body>
</html>
`
}
