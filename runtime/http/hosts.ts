import { isIP } from 'node:net'

/** Whether an address means every interface of the machine. */
export const isWildcardHost = (host: string): boolean => host === '0.0.0.0' || host === '::'

/** Whether only this machine itself reaches an address. */
export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

/** An IPv6 address in the brackets that a URL and a Host header need. */
export const urlHost = (host: string): string => (isIP(host) === 6 ? `[${host}]` : host)

/**
 * Says whether a Host header may be answered. A page of some other site can make a browser ask us under a
 * name of its own (DNS rebinding); such a name is not on the list.
 */
export const createHostCheck = ({ host, allowedHosts = [] }: { host: string; allowedHosts?: readonly string[] }) => {
  const allowed = new Set(['127.0.0.1', 'localhost', '[::1]', urlHost(host), ...allowedHosts].map((name) => name.toLowerCase()))
  return (header: string | undefined): boolean => {
    const name = hostName(header)
    if (name === null) return false
    // Rebinding needs a name: an address that somebody typed is fine where we listen on all of them.
    return allowed.has(name) || (isWildcardHost(host) && isIP(name.replace(/^\[|\]$/g, '')) !== 0)
  }
}

const hostName = (header: string | undefined): string | null =>
  /^(\[[0-9a-f:.]+\]|[^\s:/?#@[\]]+)(?::\d{1,5})?$/i.exec(header ?? '')?.[1]?.toLowerCase() ?? null
