// What the end-to-end tests share: a hub of their own in a temporary directory on a free port, and
// a client for it. Ports are below 32768, where the kernel hands out none by itself, so that a hub
// that was killed finds its own port free again. Whatever happens to a test, its hubs end with it:
// they are killed by their pid, and what they wrote goes away with the directory.
import assert from 'node:assert/strict'
import { execFile, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const root =
  process.env.ONHAND_ROOT ?? path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
export const binary = process.env.ONHAND_BINARY ?? path.join(root, 'build/onhand')

/** `n`, scaled by ONHAND_TEST_SCALE (percent; sanitized builds are slow), at least `least`. */
export function scaled(n, least = 1) {
  return Math.max(least, Math.round((n * Number(process.env.ONHAND_TEST_SCALE ?? 100)) / 100))
}

/** Sanitized builds start and answer several times slower. */
export const patience = /-(asan|tsan)\b/.test(binary) ? 10 : 1

/** A request without a sign of life for so long has been lost. */
const ANSWER_MS = Number(process.env.ONHAND_ANSWER_MS ?? 120000)

const children = new Set()
const directories = new Set()
const mounts = new Set()

process.on('exit', () => {
  for (const child of children) {
    try {
      child.kill('SIGKILL')
    } catch {}
  }
  for (const directory of mounts) spawnSync('umount', ['-l', directory])
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
// A test that failed half-way may leave a load running on a hub that lives: that must not keep the
// file from ending once its last test has told.
if (process.env.NODE_TEST_CONTEXT) {
  const { after } = await import('node:test')
  after(() => setTimeout(() => process.exit(), 5000).unref())
}

/**
 * A child that is killed when the tests of the file are over, however they went. node waits for
 * its children: one that a failed test left behind would keep it waiting for ever. So they do not
 * count, except while a test waits for one (child.ref()).
 */
export function keepChild(child) {
  children.add(child)
  child.once('exit', () => children.delete(child))
  for (const handle of [child, child.stdout, child.stderr]) handle?.unref()
}

/** A directory that is gone when the test ends. */
export function scratch(name = 'test') {
  const directory = mkdtempSync(path.join(os.tmpdir(), `onhand-${name}-`))
  directories.add(directory)
  return directory
}

function canListen(port) {
  return new Promise((resolve) => {
    const server = net.createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

export async function freePort() {
  for (let i = 0; i < 200; i++) {
    const port = 12000 + Math.floor(Math.random() * 20000)
    if (await canListen(port)) return port
  }
  throw new Error('no free port below 32768')
}

/** Runs a program to its end: {code, stdout, stderr}. Never throws for its exit code. */
export function run(file, args, options = {}) {
  return new Promise((resolve) => {
    execFile(file, args, { maxBuffer: 1 << 28, ...options }, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr })
    })
  })
}

/** `onhand ARGS`, as run(). */
export function onhand(args, options = {}) {
  return run(binary, args, options)
}

/**
 * One HTTP request: {status, headers, text, json}. Throws when there is no whole answer.
 * `body`: a string or Buffer as it is, an object as JSON, an (async) iterable as chunks.
 */
export function call(url, { method = 'GET', body, type, token, headers = {}, agent, query } = {}) {
  const target = new URL(url)
  for (const [key, value] of Object.entries(query ?? {})) target.searchParams.set(key, value)
  const chunked = body !== undefined && typeof body[Symbol.asyncIterator] === 'function'
  const raw = typeof body === 'string' || Buffer.isBuffer(body)
  const data = body === undefined || chunked || raw ? body : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const request = http.request(target, {
      method,
      agent,
      headers: {
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...(body === undefined ? {} : { 'Content-Type': type ?? 'application/json' }),
        ...(data === undefined || chunked ? {} : { 'Content-Length': Buffer.byteLength(data) }),
        ...headers,
      },
    })
    request.on('error', reject)
    request.setTimeout(ANSWER_MS * patience, () => {
      request.destroy(new Error(`no answer to ${method} ${target} within ${ANSWER_MS / 1000} s`))
    })
    request.on('response', (response) => {
      const parts = []
      response.on('data', (part) => parts.push(part))
      response.on('error', reject)
      response.on('aborted', () => reject(new Error('the answer broke off')))
      response.on('end', () => {
        const text = Buffer.concat(parts).toString('utf8')
        const answer = { status: response.statusCode, headers: response.headers, text }
        try {
          if (/\bjson/.test(response.headers['content-type'] ?? '')) answer.json = JSON.parse(text)
        } catch (error) {
          reject(new Error(`not JSON: ${text.slice(0, 300)}`, { cause: error }))
          return
        }
        resolve(answer)
      })
    })
    if (chunked) {
      ;(async () => {
        for await (const chunk of body) {
          if (!request.write(chunk)) {
            await new Promise((go) => {
              request.once('drain', go)
              request.once('close', go)
            })
          }
        }
        request.end()
      })().catch(reject)
    } else {
      request.end(data)
    }
  })
}

export class Hub {
  /**
   * Starts a hub and waits until it is ready.
   * options: data (a directory; a new one by default), port, args (more of the command line),
   * env (added to the environment), wrapper (a command line that goes before the hub's).
   */
  static async start(options = {}) {
    const hub = new Hub()
    hub.options = options
    hub.data = options.data ?? path.join(scratch('hub'), 'data')
    hub.port = options.port ?? (await freePort())
    hub.url = `http://127.0.0.1:${hub.port}`
    await hub.start()
    return hub
  }

  /** Starts it (again) on the same data and port. */
  async start(extra = {}) {
    const { args = [], env = {}, wrapper = [] } = { ...this.options, ...extra }
    const line = [...wrapper, binary, 'serve', '--data', this.data]
    line.push('--listen', `127.0.0.1:${this.port}`, ...args)
    this.log = ''
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 256 })
    const child = spawn(line[0], line.slice(1), {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child = child
    keepChild(child)
    child.stderr.on('data', (data) => {
      this.log = (this.log + data).slice(-65536)
    })
    this.#ended = new Promise((resolve) => {
      child.once('error', (error) => resolve({ code: String(error), signal: null }))
      child.once('exit', (code, signal) => resolve({ code, signal }))
    })
    child.ref()
    await this.#untilReady(child)
    child.unref()
    this.token = readFileSync(path.join(this.data, 'admin.token'), 'utf8').trim()
    return this
  }

  #ended

  /** How it ended: {code, signal}. */
  get ended() {
    this.child.ref()
    return this.#ended
  }

  async #untilReady(child) {
    let out = ''
    const ready = new Promise((resolve) => {
      child.stdout.on('data', (data) => {
        out += data
        if (out.includes('onhand: ready ')) resolve('ready')
      })
    })
    const late = sleep(30000 * patience, 'late', { ref: false })
    const first = await Promise.race([ready, this.#ended, late])
    if (first !== 'ready') {
      const why = first === 'late' ? 'was not ready in time' : `ended: ${JSON.stringify(first)}`
      child.kill('SIGKILL')
      throw new Error(`the hub ${why}\n${out}${this.log}`)
    }
  }

  get pid() {
    return this.child.pid
  }

  get running() {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  /** kill -9: no goodbye of any kind. It must not have ended before of its own accord. */
  async kill() {
    this.child.kill('SIGKILL')
    this.agent.destroy()
    assert.deepEqual(await this.ended, { code: null, signal: 'SIGKILL' }, this.log)
  }

  /** SIGTERM, and it must end by itself with 0. */
  async stop() {
    this.agent.destroy()
    this.child.kill('SIGTERM')
    const late = sleep(60000 * patience, null, { ref: false })
    const end = await Promise.race([this.ended, late])
    if (end === null) {
      this.child.kill('SIGKILL')
      throw new Error(`the hub did not end after SIGTERM\n${this.log}`)
    }
    assert.deepEqual(end, { code: 0, signal: null }, this.log)
  }

  /** As call(), with this hub's address, admin token and connections. */
  call(method, target, options = {}) {
    return call(this.url + target, { method, token: this.token, agent: this.agent, ...options })
  }

  /** As call(), and the status must be the one wanted; the parsed body comes back. */
  async json(method, target, options = {}, wanted = 200) {
    const answer = await this.call(method, target, options)
    assert.equal(answer.status, wanted, `${method} ${target}: ${answer.status} ${answer.text}`)
    return answer.json
  }

  adjust(adjustments) {
    return this.json('POST', '/v1/adjustments', { body: { adjustments } })
  }

  /** rows: [[location, sku, quantity], ...]; query as in POST /v1/resets. */
  reset(rows, query = {}) {
    const body = ['location,sku,quantity', ...rows.map((row) => row.join(','))].join('\n') + '\n'
    return this.json('POST', '/v1/resets', { body, type: 'text/csv', query })
  }

  async cell(location, sku) {
    const target = [location, sku].map(encodeURIComponent).join('/')
    return this.json('GET', `/v1/inventory/${target}`)
  }

  /** Every cell by "LOCATION/SKU". */
  async cells(query = {}) {
    const options = { query: { ...query, format: 'ndjson' } }
    const answer = await this.call('GET', '/v1/inventory', options)
    assert.equal(answer.status, 200, answer.text)
    const lines = answer.text.split('\n').filter((line) => line !== '')
    const cells = lines.map((line) => JSON.parse(line))
    return new Map(cells.map((cell) => [`${cell.location}/${cell.sku}`, cell]))
  }
}

/** `onhand verify` on data that no hub has open: it must find no difference. */
export async function verify(data) {
  const { code, stdout, stderr } = await onhand(['verify', '--data', data, '--json'])
  assert.equal(code, 0, `verify: ${code}\n${stdout}${stderr}`)
  const report = JSON.parse(stdout)
  assert.equal(report.differences, 0, stdout)
  return report
}

/** What tests/helpers builds: programs and libraries of the tests' own. */
export function helper(name) {
  return path.join(process.env.ONHAND_HELPERS ?? path.join(path.dirname(binary), 'tests'), name)
}

/** Mounts on `directory`, until umount() or the end of the test. */
export async function mount(directory, ...args) {
  const { code, stderr } = await run('mount', [...args, directory])
  assert.equal(code, 0, stderr)
  mounts.add(directory)
}

export async function umount(directory) {
  const { code, stderr } = await run('umount', [directory])
  assert.equal(code, 0, stderr)
  mounts.delete(directory)
}

/**
 * Mounts are made in a namespace of their own, so that none outlives its test. Runs `file` once
 * more in there, as an ordinary program; true: this is that second run, declare the tests. Without
 * the rights to mount there is one skipped test that says so.
 */
export async function withMounts(file) {
  if (process.env.ONHAND_MOUNTS === file) return true
  const { test } = await import('node:test')
  const namespace = ['-m', '--propagation', 'private']
  const probe = await run('unshare', [...namespace, 'true'])
  const skip = probe.code === 0 ? false : `needs root, to mount: ${probe.stderr.trim()}`
  test('in a mount namespace of its own', { skip, timeout: 1100e3 }, async () => {
    const env = { ...process.env, ONHAND_MOUNTS: file }
    delete env.NODE_TEST_CONTEXT
    const args = [...namespace, process.execPath, fileURLToPath(file)]
    const { code, stdout, stderr } = await run('unshare', args, { env, timeout: 1090e3 })
    assert.equal(code, 0, stdout + stderr)
  })
  return false
}
