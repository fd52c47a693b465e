// What a word of the file may look like, beyond what a pattern of the schema can say. The same rules as
// src/topology/words.cpp of the C++ reader.
import { isIPv4, isIPv6 } from 'node:net'

export interface Address {
  host: string
  port: number
}

export const isName = (text: string) => /^[a-z][a-z0-9-]{0,62}$/.test(text)
export const bytes = (text: string) => Buffer.byteLength(text)
/** No control character: what fits on one line of a log. */
export const isPrintable = (text: string) => !/[\x00-\x1f\x7f]/.test(text)
export const isFile = (text: string) => text !== '' && isPrintable(text) && bytes(text) <= 512
export const isGeneralisation = (text: string) =>
  /^(year|month|decade)$/.test(text) || (/^(prefix|step):[0-9]{1,9}$/.test(text) && !/:0$/.test(text))
export const isPeriod = (text: string) => /^[1-9][0-9]{0,4} (days|months|years)$/.test(text)

/** The bytes of an IP address, in hexadecimal; empty if `text` is none. */
export function ipBytes(text: string): string {
  // inet_pton takes no zone and no leading zeros; node takes a zone.
  if (isIPv4(text))
    return text
      .split('.')
      .map((part) => Number(part).toString(16).padStart(2, '0'))
      .join('')
  if (!isIPv6(text) || text.includes('%')) return ''
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  const plain = tail ? tail[1] + ipBytes(tail[2]!).replace(/^(.{4})/, '$1:') : text
  const [head, rest] = plain.split('::')
  const words = (part: string | undefined) => (part ? part.split(':').map((word) => word.padStart(4, '0')) : [])
  const left = words(head)
  const right = words(rest)
  const gap = plain.includes('::') ? Array<string>(8 - left.length - right.length).fill('0000') : []
  return [...left, ...gap, ...right].join('').toLowerCase()
}

function isHostName(text: string): boolean {
  if (text === '' || bytes(text) > 253 || /^[0-9.]*$/.test(text)) return false
  return text.split('.').every((label) => /^[A-Za-z0-9_][A-Za-z0-9_-]{0,62}$/.test(label) && !label.endsWith('-'))
}

export const isHost = (text: string) => ipBytes(text) !== '' || isHostName(text)
export const isWildcard = (host: string) => /^0+$/.test(ipBytes(host))
export const isLoopback = (host: string) =>
  host === 'localhost' || /^7f.{6}$/.test(ipBytes(host)) || /^0{31}1$/.test(ipBytes(host))

export function readAddress(text: string): Address | undefined {
  const colon = text.lastIndexOf(':')
  if (colon < 0) return undefined
  let host = text.slice(0, colon)
  const port = text.slice(colon + 1)
  if (host.length > 2 && host.startsWith('[') && host.endsWith(']')) {
    host = host.slice(1, -1)
    if (ipBytes(host).length !== 32) return undefined
  } else if (host.includes(':')) return undefined
  if (!/^[1-9][0-9]{0,4}$/.test(port) || Number(port) > 65_535 || !isHost(host)) return undefined
  return { host, port: Number(port) }
}

/** Equal for two ways to write one address. */
export const canonical = ({ host, port }: Address) =>
  `${ipBytes(host === 'localhost' ? '127.0.0.1' : host) || host.toLowerCase()}:${port}`

/** https, or http to a loopback address with a port. */
export function isEndpoint(text: string): boolean {
  const clear = text.startsWith('http://') ? readAddress(text.slice(7)) : undefined
  return isPrintable(text) && (text.startsWith('https://') || (clear !== undefined && isLoopback(clear.host)))
}

/** sftp://user@host[:port]/path of plain characters. */
export function isSftp(text: string): boolean {
  const parts = /^sftp:\/\/([A-Za-z0-9._-]+)@([A-Za-z0-9.:-]+)(\/[A-Za-z0-9/._~-]*)$/.exec(text)
  return parts !== null && !parts[3]!.includes('..')
}
