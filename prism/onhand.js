// Onhand's hook for the web client of Retail Pro Prism: a finished sale goes to the hub at once.
//
// It is loaded by Prism's web client beside its other customizations (docs/prism-hook.md says how).
// What it must never do is to break or delay a sale: the handler reads the document, keeps it in
// the browser's storage, starts to send it, and is done; nothing in it can throw into Prism. What
// was not sent is sent later, by any tab, after a reload too. Sending twice is harmless: the hub
// knows each line of a document by its number. What is lost for good, the hub finds by polling.
;(function () {
  'use strict'

  const texts = {
    behind: 'Onhand: {count} not sent yet, since {since}. Nothing is lost: it goes on by itself.',
    refused:
      'Onhand: the hub refuses this page ({reason}). {count} not sent yet, since {since}. ' +
      'Tell whoever looks after Onhand.',
    unsaved: '{count} of them are not saved: please leave this page open.',
    parked: 'Onhand: {count} not taken by the hub: {reason}',
    skipped: 'Onhand: {count} could not be sent from here ({reason}); the hub fetches them.',
    retry: 'Try again',
    dismiss: 'Dismiss',
  }

  const settings = Object.assign(
    {
      url: 'https://onhand.example', // the hub
      source: 'prism', // the name of the source in the hub's configuration
      token: '', // scope adjust, for the locations this store sells from; every user can read it
      buttons: ['after_navPosTenderPrintUpdate', 'after_navPosTenderUpdateOnly'],
      activeDocument: null, // function (service) -> the document, where Prism keeps it elsewhere
      leaveOut: /^(bt_|st_|customer|email|phone|address|tender|gift|card|signature|comment|note)/i,
      keepMost: 2000, // sales that wait; beyond that they are left to the hub's polling
      timeoutMs: 15000,
      retryMs: 1000, // the first wait after a failure; it doubles, up to
      retryMostMs: 60000,
      signAfterMs: 3000, // no sign for what is only just on its way
    },
    window.onhandSettings,
  )
  Object.assign(texts, settings.texts)

  const PREFIX = `onhand:${settings.source}:`
  const KEEPALIVE_MOST = 60000 // browsers refuse more in requests that outlive their page
  const AT_ONCE_MOST = 4
  const PARKED_MOST = 100
  const UNSAVED_MOST = 500
  const REFUSED_RETRY_MS = 30000

  const said = new Set()

  /** For whoever opens the browser's console; each thing once. */
  const say = (error) => {
    const text = String((error && error.message) || error)
    if (!window.console || said.has(text) || said.size >= 100) return
    said.add(text)
    console.warn('onhand:', error)
  }

  /** Calls `work`; whatever goes wrong in it stays in here. */
  function guarded(work) {
    try {
      return work()
    } catch (error) {
      say(error)
      return undefined
    }
  }

  // ---- what waits, in the browser's storage: a key for each sale, so tabs do not collide ----
  // PREFIX + "sale:" + milliseconds + ":" + SID -> the document as text; "parked:" likewise, with
  // the reason in front; "claim:" + SID -> the tab that is sending it, and until when.

  const unsaved = new Map() // what the storage had no room for

  function storedKeys(kind) {
    const start = `${PREFIX}${kind}:`
    const keys = []
    guarded(() => {
      for (let i = 0; i < localStorage.length; i++) {
        const key = localStorage.key(i)
        if (key !== null && key.startsWith(start)) keys.push(key)
      }
    })
    for (const key of unsaved.keys()) if (key.startsWith(start)) keys.push(key)
    return keys.sort()
  }

  const read = (key) =>
    unsaved.has(key) ? unsaved.get(key) : guarded(() => localStorage.getItem(key)) || null

  function remove(key) {
    unsaved.delete(key)
    guarded(() => localStorage.removeItem(key))
  }

  /** False: there is no room left, not even in memory. */
  function keep(key, value) {
    try {
      localStorage.setItem(key, value)
      unsaved.delete(key)
    } catch (error) {
      if (unsaved.size >= UNSAVED_MOST) return false
      unsaved.set(key, value)
    }
    return true
  }

  const sidOf = (key) => key.slice(key.lastIndexOf(':') + 1)
  const sinceOf = (key) => Number(key.slice(0, key.lastIndexOf(':')).split(':').pop())
  /** Fixed width, so that the oldest comes first. */
  const stamp = (ms) => String(ms).padStart(14, '0')

  // One tab keeps its name over a reload, so that it need not wait for its own claims to end.
  const tab =
    guarded(() => {
      const name = sessionStorage.getItem(`${PREFIX}tab`) || Math.random().toString(36).slice(2)
      sessionStorage.setItem(`${PREFIX}tab`, name)
      return name
    }) || Math.random().toString(36).slice(2)

  const sending = new Set() // keys that this page is sending

  function claim(key) {
    if (sending.has(key)) return false
    const name = `${PREFIX}claim:${sidOf(key)}`
    const [owner, until] = (read(name) || '').split(' ')
    if (owner && owner !== tab && Number(until) > Date.now()) return false
    guarded(() => localStorage.setItem(name, `${tab} ${Date.now() + settings.timeoutMs}`))
    sending.add(key)
    return true
  }

  function release(key) {
    sending.delete(key)
    remove(`${PREFIX}claim:${sidOf(key)}`)
  }

  // ---- from Prism's document to text ----

  const scalars = ['string', 'number', 'boolean']
  const isScalar = (value) => value === null || scalars.includes(typeof value)

  /** The plain fields; a SID that went through a double is another SID, and would count twice. */
  function plain(from) {
    const out = {}
    for (const name of Object.keys(from)) {
      const value = from[name]
      if (!isScalar(value) || /^[$_]/.test(name) || settings.leaveOut.test(name)) continue
      if (/(sid|uid)$/i.test(name) && typeof value === 'number' && !Number.isSafeInteger(value))
        throw new Error(`${name} has lost its last digits`)
      out[name] = value
    }
    return out
  }

  function documentText(sale) {
    if (!sale || typeof sale !== 'object') throw new Error('no document is at hand')
    const out = plain(sale)
    if (!/^-?\d{1,19}$/.test(String(out.sid))) throw new Error('the document has no SID')
    out.items = Array.from(sale.items || [], plain)
    return { sid: String(out.sid), text: JSON.stringify(out) }
  }

  function activeDocument(service) {
    if (settings.activeDocument) return settings.activeDocument(service)
    const models = service('ModelService')
    const found = models && models.fromCache('Document')
    return Array.isArray(found) ? found[0] : found
  }

  // ---- sending ----

  const state = {
    failures: 0,
    refused: null, // why the hub does not let this page in
    skipped: 0, // what the hub has to fetch by itself
    skippedWhy: '',
    timer: null,
    pumping: false,
  }

  const DONE = { done: true }
  const later = (reason, afterMs = 0) => ({ later: true, reason, afterMs })

  /** The first line that the hub did not take, of an answer that it understood. */
  function judgeResults(answer) {
    if (!answer || !Array.isArray(answer.results)) return later('not an answer of the hub')
    const bad = answer.results.find((result) => result.status === 'rejected')
    if (!bad) return DONE
    const detail = (bad.error && bad.error.detail) || bad.detail || 'rejected'
    return { parked: detail }
  }

  function judge(response) {
    const { status } = response
    if (status === 200) return response.json().then(judgeResults)
    const retryAfter = Number(response.headers.get('Retry-After'))
    const afterMs = retryAfter > 0 && retryAfter < 3600 ? retryAfter * 1000 : 0
    return response
      .json()
      .catch(() => ({}))
      .then((problem) => {
        const reason = `${status} ${problem.detail || response.statusText}`.trim()
        if ([401, 403, 404, 405].includes(status)) return { refused: reason }
        if (status >= 400 && status < 500 && ![408, 425, 429].includes(status))
          return { parked: reason }
        return later(reason, afterMs)
      })
  }

  /** Resolves to what became of it; never rejects. */
  function post(text, outliving) {
    const abort = window.AbortController ? new AbortController() : null
    const timer = setTimeout(() => abort && abort.abort(), settings.timeoutMs)
    const base = settings.url.replace(/\/+$/, '')
    return Promise.resolve()
      .then(() =>
        fetch(`${base}/v1/sources/${encodeURIComponent(settings.source)}/documents`, {
          method: 'POST',
          headers: {
            Authorization: `Bearer ${settings.token}`,
            'Content-Type': 'application/json',
          },
          body: text,
          keepalive: outliving && text.length < KEEPALIVE_MOST,
          credentials: 'omit',
          cache: 'no-store',
          redirect: 'error',
          signal: abort ? abort.signal : undefined,
        }),
      )
      .then(judge)
      .catch((error) => later(String((error && error.message) || error)))
      .then((outcome) => {
        clearTimeout(timer)
        return outcome
      })
  }

  function park(key, text, reason) {
    const parked = storedKeys('parked')
    if (parked.length >= PARKED_MOST) remove(parked[0])
    keep(`${PREFIX}parked:${stamp(sinceOf(key))}:${sidOf(key)}`, `${reason}\n${text}`)
  }

  /** Sends one that is claimed; what was replaced by a newer text meanwhile stays. */
  function send(key, text, outliving) {
    return post(text, outliving).then((outcome) => {
      const isCurrent = read(key) === text
      if (outcome.parked) park(key, text, outcome.parked)
      if ((outcome.done || outcome.parked) && isCurrent) remove(key)
      release(key)
      if (outcome.done || outcome.parked) {
        state.failures = 0
        state.refused = null
      } else {
        state.failures++
        state.refused = outcome.refused || null
      }
      return outcome
    })
  }

  /** Doubles, and differs from till to till: they shall not all come back at the same instant. */
  function waitMs(outcome) {
    const doubled = settings.retryMs * 2 ** Math.min(16, Math.max(0, state.failures - 1))
    const least = outcome.refused ? Math.min(REFUSED_RETRY_MS, settings.retryMostMs) : 0
    const most = Math.max(least, Math.min(settings.retryMostMs, doubled))
    return Math.max(outcome.afterMs || 0, most * (0.5 + Math.random() / 2))
  }

  function plan(ms) {
    clearTimeout(state.timer)
    state.timer = setTimeout(() => {
      state.timer = null
      guarded(pump)
    }, ms)
  }

  /** Sends what waits, one after the other, until nothing is left or something fails. */
  function pump() {
    if (state.pumping) return
    const waiting = storedKeys('sale')
    const key = waiting.find(claim)
    if (key === undefined) {
      if (waiting.length > 0) plan(settings.retryMostMs / 4)
      showSign()
      return
    }
    const text = read(key)
    if (text === null) {
      release(key)
      plan(0)
      return
    }
    state.pumping = true
    send(key, text, false)
      .then((outcome) => {
        state.pumping = false
        if (outcome.done || outcome.parked) pump()
        else plan(waitMs(outcome))
        showSign()
      })
      .catch(say)
  }

  function skip(why) {
    state.skipped++
    state.skippedWhy = why
    say(why)
  }

  /** A sale is finished. */
  function take(sale) {
    const { sid, text } = documentText(sale)
    const waiting = storedKeys('sale')
    const known = waiting.find((key) => sidOf(key) === sid)
    const key = known || `${PREFIX}sale:${stamp(Date.now())}:${sid}`
    // The claim first: other tabs learn of one after the other.
    const claimed = sending.size < AT_ONCE_MOST && claim(key)
    const kept = (known || waiting.length < settings.keepMost) && keep(key, text)
    if (!claimed) {
      if (kept) plan(0)
      else skip('there is no room to keep more')
      return
    }
    send(key, text, true)
      .then((outcome) => {
        if (!outcome.done && !outcome.parked) {
          if (!kept) skip('there is no room to keep more')
          plan(waitMs(outcome))
        } else if (storedKeys('sale').length > 0) plan(0)
        showSign()
      })
      .catch(say)
  }

  /** Once a second: what another tab left when it was closed is not forgotten. */
  function look() {
    const idle = state.timer === null && !state.pumping && sending.size === 0
    if (idle && storedKeys('sale').length > 0) plan(settings.retryMs * Math.random())
    showSign()
  }

  // ---- the sign: only there when something is behind ----

  let sign = null
  let shown = ''

  const filled = (text, values) =>
    text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole))

  function lines() {
    const waiting = storedKeys('sale')
    const parked = storedKeys('parked')
    const oldest = waiting.length > 0 ? sinceOf(waiting[0]) : Date.now()
    const since = new Date(oldest).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
    const values = { count: waiting.length, since, reason: state.refused }
    const out = []
    if (state.refused) out.push(filled(texts.refused, values))
    else if (waiting.length > 0 && Date.now() - oldest >= settings.signAfterMs)
      out.push(filled(texts.behind, values))
    if (out.length > 0 && unsaved.size > 0)
      out.push(filled(texts.unsaved, { count: unsaved.size }))
    if (parked.length > 0) {
      const reason = (read(parked[parked.length - 1]) || '').split('\n')[0]
      out.push(filled(texts.parked, { count: parked.length, reason }))
    }
    if (state.skipped > 0)
      out.push(filled(texts.skipped, { count: state.skipped, reason: state.skippedWhy }))
    return { out, mayDismiss: parked.length > 0 || state.skipped > 0, waiting: waiting.length }
  }

  function button(text, action) {
    const element = document.createElement('button')
    element.type = 'button'
    element.textContent = text
    element.style.cssText = 'margin:4px 8px 0 0;font:inherit;color:#111;background:#fff;' +
      'border:1px solid #111;border-radius:3px;padding:2px 8px;cursor:pointer'
    element.addEventListener('click', () => guarded(action))
    return element
  }

  function retryAll() {
    for (const key of storedKeys('parked')) {
      const text = read(key)
      remove(key)
      if (text !== null)
        keep(key.replace(`${PREFIX}parked:`, `${PREFIX}sale:`), text.slice(text.indexOf('\n') + 1))
    }
    state.failures = 0
    plan(0)
  }

  function dismiss() {
    storedKeys('parked').forEach(remove)
    state.skipped = 0
    showSign()
  }

  function makeSign() {
    sign = document.createElement('div')
    sign.id = 'onhand-sign'
    sign.style.cssText = 'position:fixed;left:8px;bottom:8px;z-index:2147483647;max-width:28em;' +
      'padding:8px 12px;border-radius:4px;background:#ffe08a;color:#111;border:1px solid #7a5c00;' +
      'font:14px/1.4 sans-serif;box-shadow:0 1px 4px rgba(0,0,0,.4)'
    const text = document.createElement('div')
    text.setAttribute('role', 'status')
    text.setAttribute('aria-live', 'polite')
    const dismissing = button(texts.dismiss, dismiss)
    sign.append(text, button(texts.retry, retryAll), dismissing)
    sign.update = ({ out, mayDismiss }) => {
      dismissing.hidden = !mayDismiss
      text.textContent = ''
      for (const line of out) text.appendChild(document.createElement('div')).textContent = line
    }
    document.body.appendChild(sign)
  }

  function showSign() {
    guarded(() => {
      const now = lines()
      const joined = now.out.join('\n')
      if (joined === shown || !document.body) return
      shown = joined
      if (!sign && now.out.length > 0) makeSign()
      if (!sign) return
      sign.hidden = now.out.length === 0
      sign.update(now)
    })
  }

  // ---- into Prism ----

  /** What Prism's handlers have to return, resolved already. */
  function settled($q) {
    if (!$q || !$q.defer) return Promise.resolve()
    const deferred = $q.defer()
    deferred.resolve()
    return deferred.promise
  }

  const serviceFrom = ($injector) => (name) => {
    const injector =
      $injector || (window.angular && window.angular.element(document.body).injector())
    return injector && injector.has(name) ? injector.get(name) : null
  }

  function afterSale($q, Button, $injector) {
    try {
      take(activeDocument(serviceFrom($injector)))
    } catch (error) {
      guarded(() => skip(error.message))
      showSign()
    }
    return settled($q)
  }

  function register() {
    window.ConfigurationManager.addHandler(function ($q) {
      // Prism hands things in by the names of these parameters: do not minify this file.
      guarded(() =>
        window.ButtonHooksManager.addHandler(settings.buttons, function ($q, Button, $injector) {
          return afterSale($q, Button, $injector)
        }),
      )
      return settled($q)
    })
  }

  guarded(() => {
    register()
    setInterval(() => guarded(look), 1000)
    window.addEventListener('online', () => plan(0))
    window.addEventListener('storage', () => showSign())
    plan(0) // what a page before this one has left
  })
})()
