import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { toNodeHandler, tuneServer } from '@moorage/registry/node';
import express from 'express';
import session from 'express-session';
import { openDatabase } from './database.ts';
import { createPages } from './pages.ts';
import { createProjects } from './projects.ts';
import { createPushes } from './pushes.ts';
import { createApplicationRegistry } from './registry.ts';
import { createUsers } from './users.ts';

const { PORT = '3000', DATA = './data', SESSION_SECRET = randomBytes(32).toString('hex') } = process.env;
mkdirSync(DATA, { recursive: true });
const database = openDatabase(join(DATA, 'application.db'));
const application = {
  users: createUsers(database),
  projects: createProjects(database),
  pushes: createPushes(database),
};
const registry = createApplicationRegistry(DATA, application);
await registry.ready();

const app = express();
app.use(toNodeHandler(registry)); // before everything that reads bodies: a push is no form
app.use(session({ secret: SESSION_SECRET, resave: false, saveUninitialized: false, cookie: { sameSite: 'lax' } }));
app.use(express.urlencoded({ extended: false }));
app.use(express.json());
app.use(createPages(registry, application));

const server = tuneServer(app.listen(Number(PORT), '127.0.0.1'), registry);
server.once('listening', () => console.log(`The application and its registry are at http://127.0.0.1:${PORT}`));

const sweeping = setInterval(() => void registry.sweep().catch(console.error), 10 * 60_000);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void stop());
}

async function stop(): Promise<void> {
  clearInterval(sweeping);
  server.close();
  await registry.close();
  database.close();
}
