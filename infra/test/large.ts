// A topology larger than anybody's: for time and limits.
import { stringify } from 'smol-toml'
import { readTopology, type Topology } from '../src/topology/read.ts'

const places = [
  ['eu', ['eu-west-1', 'eu-central-1', 'eu-north-1']],
  ['us', ['us-east-1', 'us-west-2', 'us-east-2']],
  ['ap', ['ap-southeast-1', 'ap-southeast-2', 'ap-northeast-1']],
  ['ca', ['ca-central-1', 'ca-west-1', 'us-west-1']],
] as const

export function large(jurisdictions: number, regions: number, shards: number): Topology {
  const some = places.slice(0, jurisdictions).map(([name, all]) => ({ name, all: all.slice(0, regions) }))
  let port = 2000
  const address = () => `127.0.0.1:${(port += 1)}`
  return readTopology(
    stringify({
      name: 'large',
      database: { name: 'large', migrations: 'schema' },
      jurisdictions: Object.fromEntries(some.map(({ name }, i) => [name, { rest_of_world: i === 0 }])),
      regions: Object.fromEntries(
        some.flatMap(({ name, all }) =>
          all.map((region, i) => [region, { jurisdiction: name, writer: i === 0, http: address(), sql: address() }]),
        ),
      ),
      shards: Object.fromEntries(
        Array.from({ length: shards }, (_, i) => {
          const { name, all } = some[i % some.length]!
          return [`${name}-${i}`, { ranges: [[i * 1000, (i + 1) * 1000]], writer: all[0]!, readers: all.slice(1) }]
        }),
      ),
      central: { region: 'eu-west-1' },
      embedded: { first_port: 7500 },
      tables: { people: { key: 'id', person: true } },
    }),
  )
}
