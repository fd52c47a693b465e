// Asks somebody else's IAM simulator about our generated cases and counts where it disagrees.
// usage: node oracle.mjs CASES.jsonl [MOST]      exit status 1 if a disagreement has no known reason
import { readFileSync } from 'node:fs'
import { runSimulation } from '@cloud-copilot/iam-simulate'

const [file, most = '20000'] = process.argv.slice(2)
const lines = readFileSync(file, 'utf8').trimEnd().split('\n').slice(0, Number(most))

// Our names in AWS's: tables are objects of S3, whose ARNs name no account, so the account goes into the bucket.
const accounts = { eu: '111111111111', us: '222222222222' }
const names = [
  [/arn:domicile:iam::(eu|us|\*):/g, (_, account) => `arn:aws:iam::${accounts[account] ?? account}:`],
  [/arn:domicile:data::(eu|us|\*):table\//g, 'arn:aws:s3:::$1-table/'],
  [/arn:domicile:data::\*:\*/g, 'arn:aws:s3:::*'],
  [/data:select/gi, 's3:GetObject'], [/data:insert/gi, 's3:PutObject'], [/data:\?elect/g, 's3:?etObject'],
  [/data:Sel\*/g, 's3:GetO*'], [/data:\*/g, 's3:*'], [/ops:Read/g, 'sqs:ReceiveMessage'],
  [/domicile:Purpose/g, 'aws:PrincipalTag/Purpose'], [/domicile:Columns/g, 'aws:TagKeys'],
]
const translate = text => names.reduce((now, [pattern, by]) => now.replace(pattern, by), text)

/** Why the two may differ, each triaged in disagreements.md; the first that fits. */
const reasons = [
  ['old-version-variables', text => text.includes('2008-10-17') && text.includes('${')],
  ['for-any-value-if-exists', text => /ForAnyValue:\w+IfExists/.test(text)],
  ['all-of-ipv4', text => text.includes('0.0.0.0/0')],
  ['variable-of-a-list', text => text.includes('${domicile:Columns}')],
  ['escaped-star', text => text.includes('${*}')],
  ['list-without-set-operator', text => /"(?!ForA)\w+":\{"domicile:Columns"/.test(text)],
]

const counts = { same: 0, skipped: 0 }
const unexplained = []
for (const line of lines) {
  const one = JSON.parse(translate(line))
  if (one.session.length > 1 || one.action.startsWith('sqs:')) { // objects of S3 have no such action
    counts.skipped++
    continue
  }
  const many = key => key === 'aws:TagKeys'
  const context = Object.fromEntries(Object.entries(one.context).map(([key, values]) => [key, many(key) ? values : values[0]]))
  const named = list => list.map((policy, i) => ({ name: `p${i}`, policy }))
  const simulation = {
    request: {
      principal: `arn:aws:iam::${accounts[one.account]}:role/${one.role}`, action: one.action,
      resource: { resource: one.resource, accountId: accounts[one.account] }, contextVariables: context,
    },
    identityPolicies: named(one.identity),
    serviceControlPolicies: one.guard_rails.length ? [{ orgIdentifier: 'o', policies: named(one.guard_rails) }] : [],
    resourceControlPolicies: [],
    ...(one.boundary.length ? { permissionBoundaryPolicies: named(one.boundary) } : {}),
    ...(one.session.length ? { sessionPolicy: one.session[0] } : {}),
  }
  const answer = await runSimulation(simulation, {})
  if (answer.resultType === 'error') {
    counts.skipped++
    counts[`not taken: ${answer.errors.message}`] = (counts[`not taken: ${answer.errors.message}`] ?? 0) + 1
    continue
  }
  const theirs = answer.overallResult === 'Allowed'
  if (theirs === (one.verdict === 'allowed')) {
    counts.same++
    continue
  }
  const why = reasons.find(([, fits]) => fits(line))
  if (why) {
    counts[why[0]] = (counts[why[0]] ?? 0) + 1
  } else {
    unexplained.push({ ours: one.verdict, theirs: answer.overallResult, ...one })
  }
}
console.log(`${lines.length} cases: ${JSON.stringify(counts)}, ${unexplained.length} unexplained`)
for (const one of unexplained.slice(0, 3)) {
  console.log(JSON.stringify(one))
}
process.exitCode = unexplained.length ? 1 : 0
