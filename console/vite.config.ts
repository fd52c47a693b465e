import { defineConfig } from 'vite'

// One script and one sheet: once loaded the page needs nothing more than the gateway's facts, and what a strict
// Content-Security-Policy forbids (inline scripts and styles, data: modules) is never made.
export default defineConfig({
  base: '/console/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: 'dist',
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
  },
})
