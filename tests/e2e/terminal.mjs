// A person in front of a terminal: runs a program in one (tests/helpers/pty.c), types, and sees what
// stands on the screen. It knows the few sequences that `onhand top` writes; others fail the test.
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { helper, keepChild, patience } from './lib.mjs'

const SEQUENCE = /^\x1b\[(\??)([\d;]*)([A-Za-z])/

export class Terminal {
  constructor(columns, rows, program, args, env = {}) {
    this.columns = columns
    this.rows = rows
    this.raw = ''
    this.errors = ''
    this.rest = ''
    this.alternate = false
    this.cursor = true
    this.clear()
    this.child = spawn(helper('pty'), [columns, rows, program, ...args], {
      env: { ...process.env, TERM: 'xterm', LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', TZ: 'UTC', ...env },
    })
    keepChild(this.child)
    this.child.stdout.setEncoding('utf8').on('data', (text) => this.take(text))
    this.child.stderr.setEncoding('utf8').on('data', (text) => (this.errors += text))
    this.ended = new Promise((resolve) => this.child.once('close', (code) => resolve(code)))
  }

  clear() {
    this.lines = Array.from({ length: this.rows }, () => [])
    this.row = this.column = 0
  }

  take(text) {
    this.raw += text
    this.rest += text
    while (this.rest !== '') {
      if (this.rest[0] === '\x1b') {
        const found = SEQUENCE.exec(this.rest)
        if (found === null) {
          if (this.rest.length > 20) throw new Error(`an unknown sequence: ${JSON.stringify(this.rest)}`)
          return // not all of it is here yet
        }
        this.rest = this.rest.slice(found[0].length)
        this.obey(found)
      } else {
        const [character] = this.rest
        this.rest = this.rest.slice(character.length)
        this.put(character)
      }
    }
  }

  put(character) {
    if (character === '\r') this.column = 0
    else if (character === '\n') this.row++
    else if (this.row < this.rows && this.column < this.columns) this.lines[this.row][this.column++] = character
  }

  obey([sequence, question, numbers, letter]) {
    const [first, second] = numbers.split(';').map(Number)
    if (question) {
      if (first === 1049) this.alternate = letter === 'h'
      if (first === 25) this.cursor = letter === 'h'
    } else if (letter === 'H') {
      this.row = (first || 1) - 1
      this.column = (second || 1) - 1
    } else if (letter === 'K') {
      if (this.row < this.rows) this.lines[this.row].length = this.column
    } else if (letter === 'J') {
      this.clear()
    } else if (letter !== 'm') {
      throw new Error(`an unknown sequence: ${JSON.stringify(sequence)}`)
    }
  }

  get screen() {
    return this.lines.map((line) => Array.from(line, (c) => c ?? ' ').join('').trimEnd()).join('\n')
  }

  type(keys) {
    this.child.stdin.write(keys)
  }

  resize(columns, rows) {
    this.columns = columns
    this.rows = rows
    this.clear()
    this.type(`\x1bR${columns};${rows}\r`)
  }

  /** Until the screen matches; what it shows instead is in the failure. */
  async sees(pattern) {
    for (let i = 0; i < 1500 * patience; i++) {
      if (pattern.test(this.screen)) return this.screen
      if (this.child.exitCode !== null) break
      await sleep(20)
    }
    throw new Error(`${pattern} is not on the screen:\n${this.screen}\n${this.errors}`)
  }

  /** Its exit code; what it took must be given back. */
  async end() {
    this.child.ref()
    const late = sleep(30000 * patience, 'late', { ref: false })
    const code = await Promise.race([this.ended, late])
    if (code === 'late') throw new Error(`it does not end:\n${this.screen}`)
    return code
  }

  stop() {
    this.child.kill('SIGKILL')
  }
}
