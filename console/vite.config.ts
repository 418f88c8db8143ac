import { defineConfig } from 'vite'

// The hub serves index.html at / and everything else below /assets/ under a name with its hash.
// `npm run dev` serves the sources and passes API calls on to a hub on its default port.
export default defineConfig({
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    target: 'es2020',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: {
    proxy: { '/v1': 'http://127.0.0.1:8484', '/readyz': 'http://127.0.0.1:8484' },
  },
})
