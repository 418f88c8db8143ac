// Who may ask: both logins, the seats that are paid for, and how sessions end.
import { random } from './random.mjs'

const NONCE_MS = 5 * 60000
const NONCE_DIVISOR = 13
const NONCE_MODULUS = 99999
const NONCE_FACTOR = 17

const defaults = {
  users: { hub: 'secret' }, // name -> password
  seats: 2,
  sessionMs: 30 * 60000, // without a request for so long, a session is over
  oneSession: true, // a second login of a user ends the first
  needsSeat: false, // reading, too, needs a seat
  expiredStatus: 401, // or 403
}

/** What a client has to answer to a nonce. */
export const nonceResponse = (nonce) =>
  (Math.floor(nonce / NONCE_DIVISOR) % NONCE_MODULUS) * NONCE_FACTOR

const refused = (status, text) => ({ status, body: { errors: text } })

export class Sessions {
  constructor(options, now) {
    this.options = { ...defaults, ...options }
    this.random = random((options.seed ?? 1) + 1)
    this.now = now
    this.nonces = new Map()
    this.sessions = new Map() // token -> {user, seat, used}
    this.logins = 0
  }

  #token() {
    const part = () => Math.floor(this.random() * 2 ** 32).toString(16).padStart(8, '0')
    return (part() + part() + part() + part()).toUpperCase()
  }

  #open(user, seat) {
    if (this.options.oneSession)
      for (const [token, session] of this.sessions)
        if (session.user === user) this.sessions.delete(token)
    const token = this.#token()
    this.sessions.set(token, { user, seat, used: this.now() })
    this.logins++
    return token
  }

  #knows(user, password) {
    return Object.hasOwn(this.options.users, user ?? '') && this.options.users[user] === password
  }

  #takenSeats() {
    return [...this.sessions.values()].filter((session) => session.seat).length
  }

  /** GET /v1/rest/auth, its first half and its second. */
  classic(params, headers) {
    if (!params.has('usr')) {
      const nonce = 1 + Math.floor(this.random() * (2 ** 31 - 2))
      this.nonces.set(String(nonce), this.now())
      return { status: 200, headers: { 'Auth-Nonce': String(nonce) }, body: [] }
    }
    const nonce = headers['auth-nonce']
    const given = this.nonces.get(nonce)
    this.nonces.delete(nonce)
    if (given === undefined || this.now() - given > NONCE_MS)
      return refused(401, '401: Invalid nonce')
    if (headers['auth-nonce-response'] !== String(nonceResponse(Number(nonce))))
      return refused(401, '401: Invalid nonce response')
    if (!this.#knows(params.get('usr'), params.get('pwd')))
      return refused(401, '403: Invalid username or password')
    const token = this.#open(params.get('usr'), false)
    return { status: 200, headers: { 'Auth-Session': token }, body: [] }
  }

  /** GET /api/security/login */
  token(params) {
    if (!this.#knows(params.get('usr'), params.get('pwd')))
      return refused(401, '403: Invalid username or password')
    return { status: 200, body: [{ token: this.#open(params.get('usr'), false) }] }
  }

  /** The session of a request; null when there is none, or when it is over. */
  find(headers) {
    const session = this.sessions.get(headers['auth-session'])
    if (!session) return null
    if (this.now() - session.used > this.options.sessionMs) {
      this.sessions.delete(headers['auth-session'])
      return null
    }
    session.used = this.now()
    return session
  }

  sit(session) {
    if (!session.seat && this.#takenSeats() >= this.options.seats)
      return refused(403, 'Max number of seated sessions reached')
    session.seat = true
    return { status: 200, body: [{ seated: true }] }
  }

  stand(session) {
    session.seat = false
    return { status: 200, body: [{ seated: false }] }
  }

  logout(headers) {
    this.sessions.delete(headers['auth-session'])
    return { status: 200, body: [] }
  }

  /** Ends every session of a user, or of all. */
  expire(user) {
    for (const [token, session] of this.sessions)
      if (user === undefined || session.user === user) this.sessions.delete(token)
  }

  /** Somebody else logs in as this user. */
  loginElsewhere(user) {
    this.#open(user, false)
  }

  noSession() {
    return refused(this.options.expiredStatus, 'Session does not exist or has expired')
  }

  needsSeat(session) {
    if (!this.options.needsSeat || session.seat) return null
    return refused(403, 'A seat is needed for this')
  }
}
