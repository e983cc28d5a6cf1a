import { parseConfig } from '../../runtime/config/config.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { runProgram } from '../../runtime/lifecycle.ts'
import { type ApiKey, addKey, readKeys, revokeKey } from '../keys/store.ts'

await runProgram('keys', async ({ argv, env }) => {
  const config = parseConfig('keys', argv, env)
  if (!config) return
  const [verb = '', id = ''] = config.operands
  const print = (value: unknown, text: string) => void process.stdout.write(`${config.isJson ? JSON.stringify(value) : text}\n`)
  if (verb === '') {
    const keys = await readKeys(config.dataDir)
    if (config.isJson) return print(keys.map(shown), '')
    if (keys.length === 0) return print([], 'There are no keys. readflow keys add makes one.')
    for (const key of keys) print(shown(key), line(key))
  } else if (verb === 'add') {
    const { key, text } = await addKey(config.dataDir, { name: config.name ?? 'unnamed', scopes: config.scopes })
    print(
      { ...shown(key), key: text },
      `${text}\n${line(key)}\nThis is the only time that it is shown. Send it as Authorization: Bearer KEY.`,
    )
  } else if (verb === 'revoke') {
    if (id === '') throw new ReadflowError('config', 'Name the key to revoke, by its id.', { hint: 'readflow keys lists them.' })
    const key = await revokeKey(config.dataDir, id)
    if (!key) throw new ReadflowError('config', `There is no key '${id}'.`, { hint: 'readflow keys lists them.' })
    print(shown(key), `${line(key)}\nIt is refused within a second.`)
  } else
    throw new ReadflowError('config', `There is nothing to '${verb}'.`, {
      hint: 'It is: readflow keys, readflow keys add, or readflow keys revoke ID.',
    })
})

// Functions, not constants: the program above runs before a constant down here exists.
function shown({ hash: _, ...key }: ApiKey) {
  return key
}

function line({ id, name, scopes, created_at, revoked_at }: ApiKey): string {
  return `${id}  ${created_at}  ${scopes.join(',').padEnd(14)}  ${name}${revoked_at === null ? '' : `  (revoked ${revoked_at})`}`
}
