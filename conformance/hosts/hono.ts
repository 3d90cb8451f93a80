// Hono on Node.
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { openRegistry, port } from './registry.ts';

const registry = openRegistry();
const app = new Hono();
app.all('/v2/*', (context) => registry.fetch(context.req.raw));
serve({ fetch: app.fetch, port, hostname: '127.0.0.1' });
