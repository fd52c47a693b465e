// Medians and ratios of the runs. usage: report.mjs RESULTS CALLS_FOLDER SECONDS FILESYSTEM BUSY_BEFORE BUSY_AFTER
// [JSON_FILE]
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import os from 'node:os';

const [resultsFile, callsFolder, seconds, filesystem, busyBefore, busyAfter, jsonFile] = process.argv.slice(2);
const goal = 3;
const hz = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

const runs = readFileSync(resultsFile, 'utf8').trim().split('\n').map((line) => {
  const [rep, endpoint, connections, target, ...figures] = line.split(' ');
  const [requests, time, p50, p99, cpu, user, system] = figures.map(Number);
  return {
    rep: Number(rep), endpoint, connections: Number(connections), target, requests, seconds: time,
    requests_per_second: requests / time,
    ...(target !== 'pgbench' && {
      p50_us: p50, p99_us: p99,
      cpu_us_per_request: cpu / 1000 / requests,
      user_us_per_request: user / hz * 1e6 / requests,
      system_us_per_request: system / hz * 1e6 / requests,
    }),
  };
});

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const keys = [...new Set(runs.map((run) => `${run.endpoint} ${run.connections}`))];
const rows = [];
const ratios = [];
for (const key of keys) {
  const [endpoint, connections] = key.split(' ');
  const of = (target) =>
    runs.filter((run) => run.endpoint === endpoint && run.connections === Number(connections) && run.target === target);
  for (const target of ['door', 'fastify', 'pgbench']) {
    const row = { endpoint, connections: Number(connections), target };
    for (const figure of ['requests_per_second', 'p50_us', 'p99_us', 'cpu_us_per_request', 'user_us_per_request',
      'system_us_per_request']) {
      if (of(target)[0][figure] !== undefined) row[figure] = median(of(target).map((run) => run[figure]));
    }
    rows.push(row);
  }
  // Ratios within one repetition, then their median: neighbours in time saw the same machine.
  const paired = (a, b, value) => {
    const each = of(a).map((run) => value(run, of(b).find((other) => other.rep === run.rep)));
    return { median: median(each), least: Math.min(...each), most: Math.max(...each) };
  };
  const leastCpu = (target) => Math.min(...of(target).map((run) => run.cpu_us_per_request));
  ratios.push({
    endpoint, connections: Number(connections),
    // Disturbance only ever adds: the least figure of each is the one least disturbed.
    per_cpu_second_least_to_least: leastCpu('fastify') / leastCpu('door'),
    per_cpu_second_door_to_fastify: paired('door', 'fastify', (a, b) => b.cpu_us_per_request / a.cpu_us_per_request),
    per_second_door_to_fastify: paired('door', 'fastify', (a, b) => a.requests_per_second / b.requests_per_second),
    per_second_door_to_pgbench: paired('door', 'pgbench', (a, b) => a.requests_per_second / b.requests_per_second),
    per_second_fastify_to_pgbench: paired('fastify', 'pgbench', (a, b) => a.requests_per_second / b.requests_per_second),
  });
}

// Counts by perf ("12345,,syscalls:sys_enter_read,…") or by strace ("% time, seconds, usecs/call, calls, [errors,] name").
function countsOf(text, counter, requests) {
  const counts = {};
  let total = 0;
  for (const line of text.split('\n')) {
    const parts = counter === 'perf' ? line.split(',') : line.trim().split(/\s+/);
    const count = Number(counter === 'perf' ? parts[0] : parts[3]) / requests;
    const name = counter === 'perf' ? parts[2]?.replace(/^syscalls:sys_enter_/, '') : parts.at(-1);
    if (parts.length < 5 || !(count > 0) || name === 'total') continue;
    if (name === 'raw_syscalls:sys_enter') {
      total = count;
    } else {
      counts[name] = count;
    }
  }
  const known = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (total > known) counts.others = total - known;
  return { total: Math.max(total, known), counts };
}

const calls = [];
let counter;
for (const file of readdirSync(callsFolder).filter((name) => name.endsWith('.requests')).sort()) {
  const [target, endpoint] = file.split('.');
  counter = existsSync(`${callsFolder}/${target}.${endpoint}.perf`) ? 'perf' : 'strace';
  const requests = Number(readFileSync(`${callsFolder}/${file}`, 'utf8'));
  const text = readFileSync(`${callsFolder}/${target}.${endpoint}.${counter}`, 'utf8');
  const counted = countsOf(text, counter, requests);
  if (counted.total > 0) calls.push({ target, endpoint, counted_by: counter, ...counted });
}

function table(head, lines) {
  const all = [head, ...lines];
  const widths = head.map((_, i) => Math.max(...all.map((line) => line[i].length)));
  const left = (i) => i === 0 || head[i] === 'by';
  for (const line of all) {
    const cells = line.map((cell, i) => (left(i) ? cell.padEnd(widths[i]) : cell.padStart(widths[i])));
    console.log('  ' + cells.join('  ').trimEnd());
  }
}
const whole = (value) => (value === undefined ? '-' : Math.round(value).toLocaleString('en'));
const tenth = (value) => (value === undefined ? '-' : value.toFixed(1));
const times = (ratio) => `${ratio.median.toFixed(2)} (${ratio.least.toFixed(2)}–${ratio.most.toFixed(2)})`;

const machine = {
  processors: os.cpus().length, model: os.cpus()[0].model.trim(), memory_gib: Math.round(os.totalmem() / 2 ** 30),
  kernel: os.release(), filesystem, node: process.version,
};
const reps = Math.max(...runs.map((run) => run.rep));
console.log(`\n${machine.processors} × ${machine.model}, ${machine.memory_gib} GiB, Linux ${machine.kernel}, ${filesystem}; Node ${machine.node}; ` +
  `${reps} × ${seconds} s, medians\n`);
table(['request', 'connections', 'by', 'per second', 'p50 µs', 'p99 µs', 'CPU µs', 'user', 'system', 'per CPU second'],
  rows.map((row) => [row.endpoint.toUpperCase(), String(row.connections), row.target, whole(row.requests_per_second),
    whole(row.p50_us), whole(row.p99_us), tenth(row.cpu_us_per_request), tenth(row.user_us_per_request),
    tenth(row.system_us_per_request),
    row.cpu_us_per_request === undefined ? '-' : whole(1e6 / row.cpu_us_per_request)]));
console.log('\nratios, median (least–most) over the repetitions');
table(['request', 'connections', 'per CPU second, door ÷ fastify', 'of the leasts', 'per second, door ÷ fastify', 'door ÷ pgbench', 'fastify ÷ pgbench'],
  ratios.map((ratio) => [ratio.endpoint.toUpperCase(), String(ratio.connections), times(ratio.per_cpu_second_door_to_fastify),
    ratio.per_cpu_second_least_to_least.toFixed(2),
    times(ratio.per_second_door_to_fastify), times(ratio.per_second_door_to_pgbench), times(ratio.per_second_fastify_to_pgbench)]));
if (calls.length > 0) {
  console.log(`\nsystem calls per request at 8 connections, counted by ${counter}` +
    (counter === 'strace' ? ' (it slows everything: fewer reads are in vain than without it)' : ''));
  for (const { target, endpoint, total, counts } of calls) {
    const sorted = Object.entries(counts).filter(([, count]) => count >= 0.01).sort((a, b) => b[1] - a[1]);
    console.log(`  ${endpoint.toUpperCase().padEnd(4)}  ${target.padEnd(7)}  ${total.toFixed(2)}: ` +
      sorted.map(([name, count]) => `${name} ${count.toFixed(2)}`).join(', '));
  }
}
// The worse of the two ways to look at it counts.
const judged = ratios.map((ratio) => ({
  ...ratio, worse: Math.min(ratio.per_cpu_second_door_to_fastify.median, ratio.per_cpu_second_least_to_least),
}));
const missed = judged.filter((ratio) => ratio.worse < goal);
console.log(`\ngoal, at least ${goal} × the requests per CPU second of Fastify: ` + (missed.length === 0 ? 'met everywhere'
  : 'missed at ' + missed.map((ratio) => `${ratio.endpoint.toUpperCase()} with ${ratio.connections} (${ratio.worse.toFixed(2)})`).join(', ')));
const busy = Math.max(Number(busyBefore), Number(busyAfter));
if (busy > 10) {
  console.log(`other processes took ${busyBefore} % of the processors before the runs and ${busyAfter} % after them; measure on a\n` +
    'quiet machine: disturbance costs the larger process more, which may flatter the door');
}
if (jsonFile) {
  writeFileSync(jsonFile, JSON.stringify({
    machine, busy_percent: { before: Number(busyBefore), after: Number(busyAfter) }, seconds: Number(seconds),
    goal, met: missed.length === 0, medians: rows, ratios, system_calls_per_request: calls, runs,
  }, null, 2) + '\n');
}
