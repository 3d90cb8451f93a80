// Express with what many applications have in front: body parsers, compression and sessions.
import { toNodeHandler, tuneServer } from '@moorage/registry/node';
import compression from 'compression';
import express from 'express';
import session from 'express-session';
import { openRegistry, port } from './registry.ts';

const registry = openRegistry();
const app = express();
app.use(compression());
app.use(session({ secret: 'conformance', resave: false, saveUninitialized: false }));
app.use(express.json());
app.use(express.urlencoded({ extended: true }));
app.use(toNodeHandler(registry));
tuneServer(app.listen(port, '127.0.0.1'), registry);
