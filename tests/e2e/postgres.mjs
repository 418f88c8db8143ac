// A real PostgreSQL server for the tests of one file: started by tests/helpers/postgres.c, which
// also ends it when node dies. `const server = await Postgres.start()` answers null where
// PostgreSQL is not installed; say so with {skip: postgresMissing}.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { helper, run } from './lib.mjs'

export const postgresMissing = 'PostgreSQL is not installed (apt-get install postgresql-15)'

export class Postgres {
  /** settings: lines for postgresql.conf; directory: where its files are to be. */
  static async start(settings = [], directory) {
    const server = new Postgres()
    const args = settings.flatMap((setting) => ['--set', setting])
    if (directory) args.push('--directory', directory)
    const child = spawn(helper('postgres'), args, { stdio: ['pipe', 'pipe', 'pipe'] })
    server.child = child
    server.log = ''
    child.stderr.on('data', (data) => (server.log += data))
    child.stdin.on('error', () => {})
    // Not killed when node ends: its stdin closes then, and it takes its directory with it.
    for (const handle of [child, child.stdin, child.stdout, child.stderr]) handle.unref()
    server.ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(String(error)))
      child.once('exit', (code, signal) => resolve(code ?? signal))
    })
    server.lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const first = await server.#answer()
    if (first === undefined) {
      if ((await server.#while(server.ended)) === 77) return null
      throw new Error(`no PostgreSQL: ${server.log}`)
    }
    server.url = first
    return server
  }

  /** node stays while it waits for the server, and only then. */
  async #while(promise) {
    this.child.ref()
    this.child.stdout.ref()
    try {
      return await promise
    } finally {
      this.child.unref()
      this.child.stdout.unref()
    }
  }

  async #answer() {
    return (await this.#while(this.lines.next())).value
  }

  async #order(order) {
    this.child.stdin.write(`${order}\n`)
    const answer = await this.#answer()
    if (answer === undefined) throw new Error(`PostgreSQL is gone: ${this.log}`)
    return answer
  }

  /** The URL of a new empty database. */
  database() {
    return this.#order('database')
  }

  /** In good order; start() brings it back with the same URLs. */
  stop() {
    return this.#order('stop')
  }

  /** As from a power cut. */
  crash() {
    return this.#order('crash')
  }

  start() {
    return this.#order('start')
  }

  /** Takes it away, with its directory. */
  async end() {
    this.child.stdin.end()
    await this.#while(this.ended)
  }
}

/** The URL of the superuser of a test's server. */
export function superuser(url) {
  return url.replace('//onhand:', '//postgres:')
}

/** Each command by itself, as the superuser: what the last one answers. */
export async function ask(url, ...commands) {
  const { username, password, port, pathname, hostname } = new URL(superuser(url))
  const args = ['-X', '-q', '-t', '-A', '-v', 'ON_ERROR_STOP=1', '-h', hostname, '-p', port]
  args.push('-U', username, '-d', pathname.slice(1), ...commands.flatMap((sql) => ['-c', sql]))
  const env = { ...process.env, PGPASSWORD: decodeURIComponent(password) }
  const { code, stdout, stderr } = await run('psql', args, { env })
  assert.equal(code, 0, stderr)
  return stdout.trim()
}
