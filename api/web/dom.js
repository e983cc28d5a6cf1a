// @ts-check
/** @param {string} id */
export const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id))

/**
 * An element with attributes and children. Text is always text, never markup.
 * @param {string} tag
 * @param {Record<string, string | null>} attributes
 * @param {...(Node | string | number)} children
 */
export const el = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) if (value !== null) element.setAttribute(name, value)
  element.append(...children.map((child) => (typeof child === 'number' ? String(child) : child)))
  return element
}

/**
 * The same for a drawing.
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 */
export const svg = (tag, attributes = {}, ...children) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value))
  element.append(...children)
  return element
}

/** @type {WeakMap<Element, string>} */
const shown = new WeakMap()

/**
 * Puts children into an element, only where they are of other data than the last time, and keeps the focus on
 * the link or button with the same `data-key`.
 * @param {HTMLElement} element
 * @param {unknown} data
 * @param {() => (Node | string)[]} build
 */
export const fill = (element, data, build) => {
  const signature = JSON.stringify(data) ?? ''
  if (shown.get(element) === signature) return
  shown.set(element, signature)
  const focused = element.contains(document.activeElement) ? document.activeElement?.getAttribute('data-key') : null
  element.replaceChildren(...build())
  if (focused) /** @type {HTMLElement | null} */ (element.querySelector(`[data-key="${CSS.escape(focused)}"]`))?.focus()
}

/** @param {HTMLElement} element @param {string} text */
export const say = (element, text) => {
  if (element.textContent !== text) element.textContent = text
  element.hidden = text === ''
}

/** A time that shows UTC when pointed at. @param {string} iso @param {string} text */
export const time = (iso, text) => el('time', { datetime: iso, title: `${iso} (UTC)` }, text)

/**
 * A row of headers. `num` heads numbers, `wide` is left out on small screens.
 * @param {[string, string?][]} columns
 */
export const head = (columns) =>
  el('thead', {}, el('tr', {}, ...columns.map(([name, kind = '']) => el('th', { scope: 'col', class: kind || null }, name))))
