// Fastify.
import { toFastifyPlugin } from '@moorage/registry/fastify';
import { fastify } from 'fastify';
import { openRegistry, port } from './registry.ts';

const app = fastify();
await app.register(toFastifyPlugin(openRegistry()));
await app.listen({ port, host: '127.0.0.1' });
