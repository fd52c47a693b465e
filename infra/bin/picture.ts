import { writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { command, home, synthesise } from '../src/command.ts'
import { pictureOf } from '../src/picture.ts'

command('npx tsx bin/picture.ts -t FILE [-o SVG]: a picture of what the templates make', ({ topology, output }) => {
  const { stacks, deployment } = synthesise(topology, {})
  const file = output ?? join(home, `${deployment.topology.name}.svg`)
  writeFileSync(file, pictureOf(stacks, deployment.topology.name))
  console.log(relative(process.cwd(), file))
})
