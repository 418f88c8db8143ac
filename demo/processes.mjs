// The programs of the demo: a hub with a configuration of its own and a real OpenSSH server as the
// place where the point of sale drops its files. Everything lives in one temporary directory, listens
// on the loopback below port 32768, and ends by its own process id.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { SHOP_KEY, SHOP_SECRET } from './web_shop.mjs'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const binary = process.env.ONHAND_BINARY ?? path.join(root, 'build/onhand')
const LOG_KEPT = 16384

const children = new Set()
let home = null

// Whatever happens, nothing of ours stays behind.
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  if (home) rmSync(home, { recursive: true, force: true })
})

export function makeHome() {
  home = mkdtempSync(path.join(os.tmpdir(), 'onhand-demo-'))
  return home
}

function canListen(port) {
  return new Promise((resolve) => {
    const server = net.createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

export async function freePort(wanted) {
  for (let port = wanted; port < 32768; port++) if (await canListen(port)) return port
  throw new Error(`no free port from ${wanted} on`)
}

/** A program in a process group of its own, so that Ctrl-C reaches only us. */
function start(program, args, options = {}) {
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  })
  child.log = ''
  child.stderr?.on('data', (data) => (child.log = (child.log + data).slice(-LOG_KEPT)))
  children.add(child)
  child.ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(code ?? signal))
  })
  void child.ended.then(() => children.delete(child))
  return child
}

/** Runs a program to its end; throws with what it said when it failed. */
async function run(program, args, input) {
  const child = start(program, args, { stdio: ['pipe', 'ignore', 'pipe'] })
  child.stdin.end(input)
  const code = await child.ended
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${child.log}`)
}

/** SIGTERM, and its end; true when it ended well. */
export async function stop(child) {
  if (!children.has(child)) return false
  child.kill('SIGTERM')
  const code = await Promise.race([child.ended, sleep(20000, 'late', { ref: false })])
  if (code === 'late') child.kill('SIGKILL')
  return code === 0
}

// ---- the SFTP server ----

async function makeKey(file) {
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file])
}

function speaksSsh(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('data', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function sshdConfig(sftp) {
  return [
    `Port ${sftp.port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${sftp.hostKey}`,
    `AuthorizedKeysFile ${sftp.identity}.pub`,
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'StrictModes no',
    'UsePAM no',
    'PidFile none',
    'Subsystem sftp internal-sftp',
    'ForceCommand internal-sftp',
    '',
  ].join('\n')
}

export async function startSftp() {
  const program = ['/usr/sbin/sshd', '/usr/local/sbin/sshd'].find(existsSync)
  if (!program) throw new Error('sshd is missing; ./dev demo installs openssh-server')
  const sftp = {
    user: os.userInfo().username,
    port: await freePort(18422),
    hostKey: path.join(home, 'host_key'),
    identity: path.join(home, 'id'),
    knownHosts: path.join(home, 'known_hosts'),
    drop: path.join(home, 'drop'),
  }
  mkdirSync(sftp.drop)
  await makeKey(sftp.hostKey)
  await makeKey(sftp.identity)
  const [type, key] = readFileSync(`${sftp.hostKey}.pub`, 'utf8').split(' ')
  writeFileSync(sftp.knownHosts, `[127.0.0.1]:${sftp.port} ${type} ${key}\n`)
  const config = path.join(home, 'sshd_config')
  writeFileSync(config, sshdConfig(sftp))
  if (process.getuid() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  sftp.child = start(program, ['-D', '-e', '-f', config])
  for (let i = 0; i < 100; i++) {
    if (await speaksSsh(sftp.port)) return sftp
    if (!children.has(sftp.child)) break
    await sleep(50)
  }
  throw new Error(`sshd does not answer: ${sftp.child.log}`)
}

/** As a point of sale does it: under another name first, then renamed; the manifest before that. */
export async function drop(sftp, file, manifest) {
  const name = path.basename(file)
  const batch = [
    `cd ${sftp.drop}`,
    `put ${manifest} ${name}.manifest.json.part`,
    `rename ${name}.manifest.json.part ${name}.manifest.json`,
    `put ${file} ${name}.part`,
    `rename ${name}.part ${name}`,
    'bye',
    '',
  ].join('\n')
  const options = [
    `IdentityFile=${sftp.identity}`,
    `UserKnownHostsFile=${sftp.knownHosts}`,
    'IdentitiesOnly=yes',
    'StrictHostKeyChecking=yes',
    'BatchMode=yes',
    `Port=${sftp.port}`,
  ].flatMap((option) => ['-o', option])
  await run('sftp', ['-q', '-F', 'none', '-b', '-', ...options, `${sftp.user}@127.0.0.1`], batch)
}

// ---- the hub ----

export const PRISM_PASSWORD = 'for the demo only'

function hubConfig(sftp, prismUrl, shopUrl, storeCodes) {
  const zones = ['America/New_York', 'America/Chicago', 'America/Denver', 'America/Los_Angeles']
  return [
    'timezone: America/New_York',
    'locations:',
    ...storeCodes.map(
      (code, i) => `  - {code: ${code}, name: Store ${i + 1}, timezone: ${zones[i % 4]}}`,
    ),
    'sources:',
    `  - {name: prism, type: prism, url: "${prismUrl}", user: hub,`,
    '     password: "env:PRISM_PASSWORD", poll: 5s, overlap: 10s}',
    'feeds:',
    '  - name: daily-reset',
    `    url: sftp://${sftp.user}@127.0.0.1:${sftp.port}${sftp.drop}`,
    `    identity: file:${sftp.identity}`,
    `    known_hosts: ${sftp.knownHosts}`,
    '    pattern: "inventory_*.csv"',
    '    every: 1s',
    '    stable_for: 1s',
    '    source: prism',
    '    as_of: manifest',
    '    manifest: required',
    '    after: archive',
    'channels:',
    `  - {name: shop, type: woocommerce, url: "${shopUrl}", key: "env:SHOP_KEY", secret: "env:SHOP_SECRET",`,
    `     allow_private: true, locations: [${storeCodes.join(', ')}]}`,
    '',
  ].join('\n')
}

export async function startHub(sftp, prismUrl, shopUrl, storeCodes) {
  if (!existsSync(binary)) throw new Error(`${binary} is not there: make builds it`)
  const config = path.join(home, 'onhand.yaml')
  const data = path.join(home, 'data')
  const port = await freePort(18484)
  writeFileSync(config, hubConfig(sftp, prismUrl, shopUrl, storeCodes))
  const listen = `127.0.0.1:${port}`
  const args = ['serve', '--config', config, '--data', data, '--listen', listen]
  const child = start(binary, args, { env: { ...process.env, PRISM_PASSWORD, SHOP_KEY, SHOP_SECRET } })
  const ready = new Promise((resolve) => {
    let out = ''
    child.stdout.on('data', (text) => {
      out += text
      if (out.includes('onhand: ready ')) resolve('ready')
    })
  })
  const late = sleep(30000, 'it was not ready in 30 s', { ref: false })
  const first = await Promise.race([ready, child.ended, late])
  if (first !== 'ready') throw new Error(`the hub did not start: ${first}\n${child.log}`)
  const token = readFileSync(path.join(data, 'admin.token'), 'utf8').trim()
  return { child, url: `http://${listen}`, host: '127.0.0.1', port, token, data }
}

/** Resident memory in bytes, from the kernel. */
export function memoryOf(child) {
  try {
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+)/.exec(status)[1]) * 1024
  } catch {
    return 0
  }
}
