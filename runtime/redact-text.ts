/** Variables of an environment whose values are secrets. */
const SECRET_NAME = /(?:KEY|SECRET|TOKEN|PASSWORD)$/
/** What is shorter may be a word of any text. */
const LEAST_CHARS = 8

/** As it is, and as a JSON text has it. */
const spellings = (value: string): string[] => [...new Set([value, JSON.stringify(value).slice(1, -1)])]

/**
 * Makes what takes secrets out of text that is to be shown: the values of secret variables, users and passwords in addresses,
 * keys in queries, and keys of the API. Pure.
 */
export const createRedactor = (env: NodeJS.ProcessEnv): ((text: string) => string) => {
  const values = Object.entries(env)
    .flatMap(([name, value]) => (SECRET_NAME.test(name) && value && value.length >= LEAST_CHARS ? spellings(value) : []))
    .sort((a, b) => b.length - a.length)
  return (text) =>
    values
      .reduce((rest, value) => rest.replaceAll(value, '[secret]'), text)
      .replaceAll(/(\w:\/\/)[^\s/@"']+@/g, '$1[secret]@')
      .replaceAll(/([?&](?:key|apikey|api_key|token|secret|password)=)[^&\s"']+/gi, '$1[secret]')
      .replaceAll(/\b(Bearer\s+)[^\s"']+/gi, '$1[secret]')
      .replaceAll(/\brf_[\w-]{8,}/g, '[secret]')
}
