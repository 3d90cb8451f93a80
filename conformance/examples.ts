// Starts each example by its one command and runs its scenario with real clients: `node tools/run.js conformance/examples.ts [NAME…]`.
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { bun } from './examples/bun.ts';
import { deno } from './examples/deno.ts';
import { deployer } from './examples/deployer.ts';
import { express } from './examples/express.ts';
import { fastify } from './examples/fastify.ts';
import { hono } from './examples/hono.ts';
import { hub } from './examples/hub.ts';
import { next } from './examples/next.ts';
import { platform } from './examples/platform.ts';
import type { Scenario } from './examples/scenario.ts';
import { type Started, startExample } from './examples/start.ts';
import { createJudge, messageOf } from './judge.ts';

const scenarios: readonly Scenario[] = [express, fastify, hono, deployer, platform, hub, bun, deno, next];
const shownCharacters = 4000;

const names = process.argv.slice(2);
const unknown = names.filter((name) => !scenarios.some((scenario) => scenario.name === name));
if (unknown.length > 0)
  throw new Error(`There is no scenario ${unknown.join(', ')}: ${scenarios.map(({ name }) => name).join(', ')}.`);

const directory = await mkdtemp(join(tmpdir(), 'moorage-examples-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
const { judge, end } = createJudge(messageOf);
for (const scenario of scenarios) {
  if (names.length === 0 || names.includes(scenario.name)) await play(scenario);
}
process.exit(end() ? 0 : 1);

async function play({ name, cases }: Scenario): Promise<void> {
  let example: Started | undefined;
  await judge(`${name}: starts by its one command`, async () => {
    example = await startExample(name, await mkdtemp(join(directory, `${name}-`)));
  });
  if (example === undefined) return;
  const running = example;
  for (const { name: title, run } of cases(running)) {
    if (await judge(`${name}: ${title}`, run)) continue;
    console.log(`The example printed:\n${running.log().slice(-shownCharacters)}`);
  }
  await judge(`${name}: ends when it is told to`, () => running.stop());
}
