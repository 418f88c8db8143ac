// The PostgreSQL server that other tests lean on: reached with its password and not without, keeps
// what was committed through a crash, and is gone with whoever started it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import net from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { patience, run } from './lib.mjs'
import { Postgres, postgresMissing, superuser } from './postgres.mjs'

async function psql(url, command, env = {}) {
  const args = ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', command]
  const options = { env: { ...process.env, PGCONNECT_TIMEOUT: '30', ...env } }
  const { code, stdout, stderr } = await run('psql', args, options)
  return { code, stdout: stdout.trim(), stderr }
}

async function answer(url, command) {
  const { code, stdout, stderr } = await psql(url, command)
  assert.equal(code, 0, stderr)
  return stdout
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true) || socket.destroy())
    socket.once('error', () => resolve(false))
  })
}

async function untilGone(port) {
  for (let i = 0; i < 600 * patience && (await listens(port)); i++) await sleep(50)
  assert.equal(await listens(port), false, 'the server outlived whoever started it')
}

const server = await Postgres.start(['max_connections=23'])
const skip = server === null && postgresMissing

test('asks for the password, and gives each test a database', { skip }, async () => {
  const other = await server.database()
  assert.notEqual(other, server.url)
  assert.equal(await answer(server.url, 'show max_connections'), '23')
  assert.equal(await answer(server.url, 'show fsync'), 'on')
  await answer(server.url, 'create table here (a int primary key)')
  assert.equal(await answer(other, "select to_regclass('here') is null"), 't')
  assert.equal(await answer(superuser(other), 'show is_superuser'), 'on')
  const wrong = new URL(server.url)
  wrong.password = 'wrong'
  assert.notEqual((await psql(wrong.href, 'select 1')).code, 0)
  assert.ok(Number(wrong.port) < 32768)
})

test('keeps what was committed through a crash', { skip }, async () => {
  const url = await server.database()
  await answer(url, 'create table kept (a int primary key); insert into kept values (7)')
  assert.equal(await server.crash(), 'crashed')
  assert.notEqual((await psql(url, 'select 1')).code, 0)
  assert.equal(await server.start(), 'started')
  assert.equal(await answer(url, 'select a from kept'), '7')
})

test('ends with whoever started it, even one that is killed', { skip }, async () => {
  const script = `
    import { Postgres } from ${JSON.stringify(new URL('./postgres.mjs', import.meta.url).href)}
    console.log((await Postgres.start()).url)
    setInterval(() => {}, 1000)`
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = new URL(await new Promise((resolve) => holder.stdout.once('data', resolve)))
  const directory = await answer(superuser(url.href), 'show data_directory')
  assert.match(directory, /onhand-postgres\.[^/]+\/data$/)
  holder.kill('SIGKILL')
  await untilGone(Number(url.port))
  const parent = directory.replace(/\/onhand-postgres\..*/, '')
  const name = directory.split('/').at(-2)
  for (let i = 0; i < 600 * patience && readdirSync(parent).includes(name); i++) await sleep(50)
  assert.ok(!readdirSync(parent).includes(name), `${name} is left behind`)
})

test('and goes when asked to', { skip }, async () => {
  await server.end()
  await untilGone(Number(new URL(server.url).port))
})
